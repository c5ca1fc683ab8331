#include <petrify/follower.hpp>

#include "base/blocked_signals.hpp"
#include "base/fail.hpp"
#include "mapping/folder.hpp"
#include "mapping/folder_watch.hpp"
#include "store/current.hpp"
#include "store/name_folder.hpp"

#include <petrify/store.hpp>

#include <algorithm>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace petrify::inline v0 {

namespace {

using clock = std::chrono::steady_clock;

// A storm of publishes is followed at this pace at most, so that it leaves something of the machine to predictions. The
// first of them is served at once.
constexpr std::chrono::milliseconds between_changes{10};

// No spinning, and no sums that overflow.
constexpr std::chrono::milliseconds least_poll{1};
constexpr std::chrono::hours longest_poll{24};

// Reads what the first use of an object would read and check under a lock: so a predicting thread finds it done.
void warm_up(const file& opened, trust vouched) {
  for (const object_info& object : opened.objects()) {
    if (object.kind == "forest")
      (void)opened.forest(object.name, vouched);
    if (object.kind == "value")
      (void)opened.value(object.name);
  }
}

} // namespace

// Thread safety: the follower's thread alone opens and retires versions; everybody may ask for the newest.
class follow_state {
public:
  // Opens the first version. Throws: what store::open and accept throw.
  follow_state(const store& of, std::string_view name, follow_options options)
      : of_(of), folder_(of.path(), name), options_(std::move(options)),
        poll_(std::clamp<std::chrono::milliseconds>(options_.poll, least_poll, longest_poll)),
        watch_(folder_.path(), options_.events) { // watching first: no change can fall in between
    const std::uint64_t number = current_of(folder_);
    const which_file file_now = which(number);
    serve(opened(number), file_now);
  }
  follow_state(const follow_state&) = delete;
  follow_state& operator=(const follow_state&) = delete;
  ~follow_state() { stop(); }

  void start() {
    const blocked_signals while_it_starts;
    try {
      thread_ = std::make_unique<std::thread>([this] { run(); });
    } catch (const std::system_error& failure) {
      throw error(errc::io, folder_.path(), "start a thread to follow it", failure.code().message());
    }
  }

  void stop() {
    if (!thread_)
      return;
    if (::getpid() != owner_) {
      (void)thread_.release(); // a forked child has the object, but no such thread
      return;
    }
    stops_ = true;
    watch_.wake();
    thread_->join();
    thread_.reset();
    // Nobody looks after these any more: the last who uses one unmaps it.
    const std::lock_guard lock(mutex_);
    retired_.clear();
  }

  detail::held_version newest() const {
    const std::lock_guard lock(mutex_);
    return detail::held_version(current_);
  }
  std::size_t num_mapped() const {
    const std::lock_guard lock(mutex_);
    return 1 + retired_.size();
  }
  void wake() const noexcept { watch_.wake(); }
  bool has_events() const noexcept { return watch_.has_events(); }

  // On a line that is written when the version changes, and not else: predicting threads read it all the time.
  alignas(64) std::atomic<std::uint64_t> generation{0};
  std::atomic<std::uint64_t> served{0};

private:
  using version = detail::held_version::version;
  using which_file = std::pair<std::uint64_t, std::uint64_t>; // device and inode

  struct refusal {
    std::uint64_t number;
    which_file file;
    error why;

    bool is_same_file(const refusal& other) const noexcept { return number == other.number && file == other.file; }
  };

  void run() noexcept {
    clock::time_point next_look = clock::now() + poll_;
    clock::time_point next_change = clock::now();
    bool has_changed = false;
    while (!stops_) {
      const auto until = has_changed ? std::min(next_look, next_change) : next_look;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
      const auto why = watch_.wait(std::max(left, std::chrono::milliseconds(0)));
      if (stops_)
        return;
      has_changed = has_changed || why == folder_watch::reason::changed;
      const auto now = clock::now();
      if (now >= next_look || (has_changed && now >= next_change)) {
        const std::uint64_t before = generation;
        look();
        has_changed = false;
        next_look = clock::now() + poll_;
        if (generation != before)
          next_change = clock::now() + between_changes;
      }
      unmap_unused();
    }
  }

  // The version, or what is current where it has been pruned since.
  opened_version opened(std::uint64_t number) const {
    const open_options how{options_.residency, options_.bounds};
    std::optional<file> found = store::open_file(folder_.version_path(number), how, options_.vouched);
    opened_version next = found ? opened_version{number, std::move(*found)}
                                : of_.open(folder_.name(), std::nullopt, how, options_.vouched);
    warm_up(next.file, options_.vouched);
    if (options_.accept)
      options_.accept(next.file, next.number);
    return next;
  }

  // The file that a version's name stands for now. A folder that was replaced may have the same numbers.
  which_file which(std::uint64_t number) const {
    const auto facts = facts_of(folder_.version_path(number));
    return facts ? which_file{facts->device, facts->inode} : which_file{};
  }

  void look() noexcept {
    try {
      refusal candidate{0, {}, error(errc::io, {}, {}, {})};
      try {
        candidate.number = current_of(folder_);
        candidate.file = which(candidate.number);
        lost_.reset();
        if (candidate.number == served && candidate.file == served_file_) {
          refused_.reset();
          return;
        }
        if (refused_ && refused_->is_same_file(candidate) && refused_->why.code() != errc::io)
          return;
        serve(opened(candidate.number), candidate.file);
        refused_.reset();
        tell([&] { options_.on_change(served); }, options_.on_change != nullptr);
      } catch (const error& why) {
        candidate.why = why;
        refuse(candidate);
      } catch (const std::bad_alloc&) {
        candidate.why = error(errc::io, folder_.path(), text("version ", candidate.number), "out of memory");
        refuse(candidate);
      } catch (const std::exception& why) {
        candidate.why = error(errc::invalid_argument, folder_.path(), text("version ", candidate.number),
                              text("not accepted: ", why.what()));
        refuse(candidate);
      } catch (...) {
        candidate.why =
            error(errc::invalid_argument, folder_.path(), text("version ", candidate.number), "not accepted");
        refuse(candidate);
      }
    } catch (...) {
      // No memory to say so: the version before stays, and the next look tries again.
    }
  }

  void serve(opened_version&& next, const which_file& from) {
    const std::uint64_t next_generation = generation.load(std::memory_order_relaxed) + 1;
    auto made = std::make_shared<const version>(version{next.number, std::move(next.file), next_generation});
    const std::lock_guard lock(mutex_);
    if (current_)
      retired_.push_back(current_); // throws before anything has changed
    current_ = std::move(made);
    served_file_ = from;
    served = next.number;
    generation.store(next_generation, std::memory_order_release);
  }

  // Once for each version and reason.
  void refuse(const refusal& candidate) {
    std::optional<refusal>& before = candidate.number == 0 ? lost_ : refused_;
    if (before && before->is_same_file(candidate) && std::string_view(before->why.what()) == candidate.why.what())
      return;
    before = candidate;
    tell([&] { options_.on_refused(candidate.number, candidate.why); }, options_.on_refused != nullptr);
  }

  template <class Call>
  static void tell(Call call, bool somebody_listens) noexcept {
    if (!somebody_listens)
      return;
    try {
      call();
    } catch (...) {
      // Nobody is there to take it.
    }
  }

  // Versions that have only this thread left. Nobody can get hold of one of them any more: newest() gives others.
  void unmap_unused() noexcept {
    for (;;) {
      std::shared_ptr<const version> unused; // goes without the lock
      const std::lock_guard lock(mutex_);
      const auto at =
          std::find_if(retired_.begin(), retired_.end(), [](const auto& one) { return one.use_count() == 1; });
      if (at == retired_.end())
        return;
      unused = std::move(*at);
      retired_.erase(at);
    }
  }

  const store of_;
  const name_folder folder_;
  const follow_options options_;
  const std::chrono::milliseconds poll_;
  mutable folder_watch watch_;
  const int owner_ = ::getpid(); // the process
  std::atomic<bool> stops_{false};

  mutable std::mutex mutex_;
  std::shared_ptr<const version> current_;
  std::vector<std::shared_ptr<const version>> retired_;

  // The follower's thread alone:
  which_file served_file_;
  std::optional<refusal> refused_; // a version
  std::optional<refusal> lost_;    // not even its number is known
  std::unique_ptr<std::thread> thread_;
};

follower store::follow(std::string_view name, follow_options options) const {
  auto state = std::make_shared<follow_state>(*this, name, std::move(options));
  state->start();
  return follower(std::move(state));
}

follower::follower(std::shared_ptr<follow_state> state) noexcept : state_(std::move(state)) {}
follower::follower(follower&&) noexcept = default;
follower& follower::operator=(follower&& other) noexcept {
  if (this != &other) {
    if (state_)
      state_->stop();
    state_ = std::move(other.state_);
  }
  return *this;
}
follower::~follower() {
  if (state_)
    state_->stop();
}

std::uint64_t follower::version() const noexcept { return state_->served; }
bool follower::has_events() const noexcept { return state_->has_events(); }
std::size_t follower::num_mapped() const { return state_->num_mapped(); }

const std::atomic<std::uint64_t>& follower::generation_of(const follow_state& state) noexcept {
  return state.generation;
}

detail::held_version follower::newest(const follow_state& state, std::uint64_t& generation) {
  detail::held_version out = state.newest();
  generation = out.version_->generation;
  return out;
}

void follower::let_go(const follow_state& state, detail::held_version& version) noexcept {
  version.version_.reset();
  state.wake();
}

} // namespace petrify::inline v0
