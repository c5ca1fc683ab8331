// follower: a name of a store, followed: new versions come in while threads go on predicting.
//
//     petrify::store models("/srv/models");
//     petrify::follower scorer = models.follow("scorer");        // opens the current version, watches for the next
//
//     petrify::followed<petrify::predictor> model(scorer, [](const petrify::file& version) { // one per thread
//       return petrify::predictor(version.forest("model"));
//     });
//     model->predict_proba(row, out);                            // of the newest version that was accepted
#pragma once

#include <petrify/error.hpp>
#include <petrify/file.hpp>
#include <petrify/limits.hpp>
#include <petrify/residency.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace petrify::inline v0 {

struct follow_options {
  // How versions are opened. With prefault their pages are mapped before they are served.
  petrify::residency residency = petrify::residency::prefault;
  limits bounds;
  // Whether the nodes of forests are checked again, by the follower's thread, before a version is served. They were
  // when it was published; a disk may have damaged it since. Cost: the nodes are read once, some ms for 100 MB.
  trust vouched = trust::nothing;
  // Whether inotify tells of changes at once. It tells nothing of changes made on other machines.
  bool events = true;
  // How often CURRENT is looked at besides, 1 ms to 24 h: all there is where there are no events, a safety net
  // elsewhere.
  std::chrono::milliseconds poll{500};

  // All of these are called by the follower's thread, `accept` of the first version by the caller of follow.
  //
  // Whether a version may be served: one that has the forest and columns that the program wants. It refuses by
  // throwing, and the version before stays.
  std::function<void(const file& candidate, std::uint64_t version)> accept;
  // A version is being served. What it throws is dropped.
  std::function<void(std::uint64_t version)> on_change;
  // The current version is not served, because it cannot be opened or was not accepted: once for each version and
  // reason. What the system refused (errc::io) is tried again at each look, all else when CURRENT names another version
  // or the version's file is another one. Version 0: which one is current could not be found out. What it throws is
  // dropped.
  std::function<void(std::uint64_t version, const error& why)> on_refused;
};

class store;
class follow_state;
class follower;

namespace detail {

// One version in use. Copies share it.
class held_version {
public:
  held_version() noexcept = default;
  explicit operator bool() const noexcept { return version_ != nullptr; }
  std::uint64_t number() const noexcept { return version_->number; }
  const petrify::file& file() const noexcept { return version_->file; }

private:
  friend class v0::follow_state;
  friend class v0::follower;
  struct version {
    std::uint64_t number;
    petrify::file file;
    std::uint64_t generation;
  };
  explicit held_version(std::shared_ptr<const version> of) noexcept : version_(std::move(of)) {}
  std::shared_ptr<const version> version_;
};

} // namespace detail

// Follows a name with a thread of its own: it sees a new current version, opens it, maps its pages, reads the
// descriptions of its forests and values, asks `accept`, and only then serves it. Old versions are unmapped by this
// thread too, as soon as the last thread has let go of them. So what a predicting thread pays for a change is a lock
// that is held for some nanoseconds, and what followed<T> makes anew. Of versions that become current within 10 ms
// after a change the last is served.
//
// The thread takes no signals. Thread safety: const members may be called from any number of threads. In a child made
// by fork() nobody watches: use none of it there but what followed<T> objects have made already, and make a new
// follower. The destructor waits for the thread, which may be in a callback; do not destroy it in one. What was taken
// from it may outlive it. One that was moved from may only be assigned or destroyed.
class follower {
public:
  follower(follower&&) noexcept;
  follower& operator=(follower&&) noexcept;
  ~follower();

  // Number of the version that is served.
  std::uint64_t version() const noexcept;
  // Whether the system tells of changes; if not, they are found by looking (follow_options::poll).
  bool has_events() const noexcept;
  // Number of versions that are mapped: the served one, and old ones that a followed<T> still uses.
  std::size_t num_mapped() const;

private:
  friend class store;
  template <class T>
  friend class followed;
  explicit follower(std::shared_ptr<follow_state> state) noexcept;
  // Counts up whenever another version is served; begins at 1.
  static const std::atomic<std::uint64_t>& generation_of(const follow_state& state) noexcept;
  static detail::held_version newest(const follow_state& state, std::uint64_t& generation);
  // Gives a version back, for the follower's thread to unmap.
  static void let_go(const follow_state& state, detail::held_version& version) noexcept;

  std::shared_ptr<follow_state> state_;
};

// What one thread makes of the version that is served, a predictor for instance, and makes anew for each that it sees.
// Each thread has its own; it keeps the follower's state alive.
template <class T>
class followed {
public:
  // `make` is called on the threads that use this object, now and after changes; what it returns may borrow from the
  // file, which stays open until it has been replaced. Throws: what make throws.
  followed(const follower& of, std::function<T(const file&)> make)
      : state_(of.state_), generation_(&follower::generation_of(*state_)), make_(std::move(make)) {
    renew();
  }
  followed(follower&&, std::function<T(const file&)>) = delete; // it would never change
  followed(const followed&) = delete;
  followed& operator=(const followed&) = delete;
  ~followed() { release(); }

  // That of the newest version. Cost: one atomic load and a comparison, unless there is a newer version: then a lock,
  // and what `make` costs. When make throws, that comes out, the version before stays, and the next call tries again.
  // The reference is good until the next call.
  T& current() {
    if (generation_->load(std::memory_order_acquire) == seen_) [[likely]]
      return *value_;
    return renew();
  }
  T& operator*() { return current(); }
  T* operator->() { return &current(); }

  // Number of the version that the last call gave; 0 after release().
  std::uint64_t version() const noexcept { return version_ ? version_.number() : 0; }

  // Lets go of the version: for a thread that is going to be idle, so that it keeps no old one mapped. The next
  // current() makes T anew.
  void release() noexcept {
    value_.reset();
    seen_ = 0;
    if (version_)
      follower::let_go(*state_, version_);
  }

private:
  // A version that goes back to the follower when it is no longer needed, whatever make_ throws.
  struct held {
    const follow_state& state;
    detail::held_version version;
    ~held() {
      if (version)
        follower::let_go(state, version);
    }
  };

  T& renew() {
    std::uint64_t generation;
    held next{*state_, follower::newest(*state_, generation)};
    T made = make_(next.version.file());
    value_.emplace(std::move(made)); // the old one goes while its file is still there
    seen_ = generation;
    std::swap(version_, next.version);
    return *value_;
  }

  std::shared_ptr<const follow_state> state_;
  const std::atomic<std::uint64_t>* generation_;
  std::uint64_t seen_ = 0;
  detail::held_version version_;
  std::optional<T> value_;
  std::function<T(const file&)> make_;
};

} // namespace petrify::inline v0
