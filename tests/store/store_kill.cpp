// petrify_store_kill [COUNT [FOLDER]]: kills a process that publishes, rolls back and prunes versions of one name, at
// random moments, COUNT times, while two processes follow the name. After each kill the store must be whole: all
// versions that were published are there with their content, none is there in part, and the current one is that of the
// last operation that returned or of the one that was killed.
#include "support/numbered_content.hpp"

#include <petrify/store.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace petrify;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr const char* name = "scorer";
constexpr std::size_t kept = 2; // by prune
constexpr std::size_t num_followers = 2;

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

// ---- what is in a version

// Mostly small; some MB now and then, within the writer's buffer of 4 MiB and past it.
constexpr test::content_sizes sizes{64, 800'000, 1'000, 10'000, 20};

void add(writer& out, std::uint64_t number) { test::numbered_content(number, sizes).add_to(out); }
std::uint64_t number_in(const file& in) { return test::numbered_content::number_in(in, sizes); }

// ---- what the processes share

enum class kind { publish_file, publish_writer, rollback, rollback_by_one, prune };
bool is_publish(kind of) { return of == kind::publish_file || of == kind::publish_writer; }

enum stage : int { begun, writing, written, durable, returned };

// Something that the killed process did or was doing.
struct operation {
  kind what{};
  std::uint64_t content_number = 0; // of a publish
  std::uint64_t target = 0;         // the version that becomes current
  std::array<std::uint64_t, 256> removed{};
  std::size_t num_removed = 0;
  std::atomic<int> at = begun;
};

struct shared_state {
  std::array<operation, 64> operations;
  std::atomic<std::size_t> num_begun = 0; // of them, in this round
  std::atomic<std::uint64_t> next_content = 1;

  // What each version holds, by whoever sees it first; 0: nobody has.
  std::array<std::atomic<std::uint64_t>, std::size_t{1} << 20> content_of;
  std::array<std::atomic<std::uint64_t>, num_followers> served; // the version that each follower is at
  std::array<std::atomic<std::uint64_t>, num_followers> num_reads;
  std::array<std::atomic<std::uint64_t>, num_followers> num_changes;

  // All who see a version must find the same in it.
  void require_content(std::uint64_t version, std::uint64_t number) {
    if (version >= content_of.size())
      fail("too many versions for this program");
    std::uint64_t seen = 0;
    if (!content_of[version].compare_exchange_strong(seen, number) && seen != number)
      fail("version " + std::to_string(version) + " has content " + std::to_string(number) + ", and had " +
           std::to_string(seen) + " before");
  }
};

shared_state& share() {
  void* const memory = ::mmap(nullptr, sizeof(shared_state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    fail("no shared memory");
  return *new (memory) shared_state{};
}

// A forked process that does `work`, which does not return. It dies with this object, and with its parent.
class child_process {
public:
  template <class Work>
  child_process(const char* what, Work work) : id_(::fork()) {
    if (id_ < 0)
      fail("no child process");
    if (id_ != 0)
      return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      work();
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "petrify_store_kill: the %s: %s\n", what, failure.what());
    }
    ::_exit(1);
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() { kill(); }

  bool has_ended() {
    if (id_ > 0 && ::waitpid(id_, nullptr, WNOHANG) != 0)
      id_ = -1;
    return id_ <= 0;
  }
  // Whether it was alive until then.
  bool kill() {
    if (id_ <= 0)
      return false;
    ::kill(id_, SIGKILL);
    int status = 0;
    const bool ended = ::waitpid(id_, &status, 0) == id_;
    id_ = -1;
    return ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

private:
  pid_t id_;
};

// ---- what must be in the store

struct expectation {
  std::map<std::uint64_t, std::uint64_t> versions; // number to content
  std::uint64_t current = 0;

  std::uint64_t newest() const { return versions.empty() ? 0 : versions.rbegin()->first; }
  // The version that a publish of this content makes current.
  std::uint64_t version_for(std::uint64_t content_number) const {
    for (const auto& [version, number] : versions)
      if (number == content_number)
        return version;
    return newest() + 1;
  }
  bool may_be_pruned(std::uint64_t version) const {
    return version != current && std::distance(versions.upper_bound(version), versions.end()) >= std::ptrdiff_t{kept};
  }
  void apply(const operation& done) {
    for (std::size_t i = 0; i < done.num_removed; ++i)
      if (!may_be_pruned(done.removed[i]))
        fail("version " + std::to_string(done.removed[i]) + " was pruned, though it is current or among the newest");
    for (std::size_t i = 0; i < done.num_removed; ++i)
      versions.erase(done.removed[i]);
    if (is_publish(done.what))
      versions[done.target] = done.content_number;
    if (done.what != kind::prune)
      current = done.target;
  }
};

// ---- the process that is killed

// Tells when the version that is being published begins to be checked. Its temporary file is durable then; what is left
// is to put it in its place.
class telling_executor : public executor {
public:
  explicit telling_executor(std::atomic<int>& at) : at_(&at) {}
  unsigned concurrency() const noexcept override {
    *at_ = durable;
    return 1;
  }
  void run(std::size_t num_tasks, task_ref task) override { calling_thread().run(num_tasks, task); }

private:
  std::atomic<int>* at_;
};

class publisher {
public:
  publisher(const store& to, std::string source, expectation known, shared_state& shared, std::uint64_t seed)
      : to_(to), source_(std::move(source)), known_(std::move(known)), shared_(&shared), random_(seed) {}

  [[noreturn]] void run(bool publishes_first) {
    for (std::size_t i = 0; i < shared_->operations.size(); ++i) {
      operation& next = shared_->operations[i];
      plan(next, i == 0 && publishes_first);
      next.num_removed = 0;
      next.at = begun;
      if (next.what == kind::publish_file)
        write_source(next.content_number);
      shared_->num_begun = i + 1;
      perform(next);
      known_.apply(next);
      next.at = returned;
    }
    for (;;)
      ::pause();
  }

private:
  void plan(operation& next, bool is_publish_wanted) {
    const std::uint64_t dice = random_() % 16;
    if (!is_publish_wanted && (dice < 2 || known_.versions.size() > 12)) {
      next.what = kind::prune;
      next.target = known_.current;
    } else if (!is_publish_wanted && dice < 4 && known_.current != known_.versions.begin()->first) {
      next.what = kind::rollback_by_one;
      next.target = std::prev(known_.versions.find(known_.current))->first;
    } else if (!is_publish_wanted && dice < 5) {
      next.what = kind::rollback;
      next.target = any_version();
    } else {
      next.what = num_published_++ % 2 == random_() % 2 ? kind::publish_file : kind::publish_writer;
      next.content_number = random_() % 8 == 0 ? known_.versions[any_version()] : shared_->next_content++;
      next.target = known_.version_for(next.content_number);
    }
  }

  std::uint64_t any_version() {
    return std::next(known_.versions.begin(), static_cast<std::ptrdiff_t>(random_() % known_.versions.size()))->first;
  }

  void write_source(std::uint64_t number) const {
    writer out(source_);
    add(out, number);
    out.commit(durability::unsynced);
  }

  void perform(operation& next) const {
    std::uint64_t version = next.target;
    telling_executor on(next.at);
    switch (next.what) {
    case kind::publish_file: version = to_.publish(name, source_, on); break;
    case kind::publish_writer:
      version = to_.publish(
          name,
          [&](writer& out) {
            next.at = writing;
            add(out, next.content_number);
            next.at = written;
          },
          on);
      break;
    case kind::rollback: version = to_.rollback(name, next.target); break;
    case kind::rollback_by_one: version = to_.rollback(name); break;
    case kind::prune: {
      prune_result result;
      try {
        result = to_.prune(name, kept);
      } catch (const error& failure) {
        // CURRENT was damaged after the last kill, and nothing has been published since.
        if (failure.code() != errc::not_found || !failure.path().ends_with("/CURRENT"))
          throw;
      }
      next.num_removed = result.removed.size();
      std::copy_n(result.removed.begin(), std::min(next.num_removed, next.removed.size()), next.removed.begin());
      break;
    }
    }
    if (version != next.target)
      fail("version " + std::to_string(version) + " was returned, expected " + std::to_string(next.target));
  }

  const store to_;
  const std::string source_;
  expectation known_;
  shared_state* shared_;
  std::mt19937_64 random_;
  std::uint64_t num_published_ = 0;
};

// ---- the processes that follow

// Reads whatever is current. One hears of changes, the other looks for them all the time.
[[noreturn]] void follow(const store& from, shared_state& shared, std::size_t index) {
  follow_options options;
  options.events = index == 0;
  options.poll = index == 0 ? 500ms : 1ms;
  options.on_refused = [](std::uint64_t version, const error& why) {
    std::fprintf(stderr, "petrify_store_kill: a follower refused version %llu: %s\n",
                 static_cast<unsigned long long>(version), why.what());
    ::_exit(1);
  };
  const follower follows = from.follow(name, options);
  followed<file> current(follows, [](const file& version) { return version; });
  for (;;) {
    if (shared.num_changes[index] % 16 == 15)
      current.release();
    const file& in = *current;
    if (current.version() != shared.served[index])
      ++shared.num_changes[index];
    shared.require_content(current.version(), number_in(in));
    shared.served[index] = current.version();
    ++shared.num_reads[index];
    std::this_thread::sleep_for(500us);
  }
}

// ---- the process that kills and checks

struct leftovers {
  std::size_t incoming = 0;
  std::size_t current = 0;
  std::size_t all() const { return incoming + current; }
};

class killer {
public:
  explicit killer(const std::string& folder)
      : folder_(folder), name_folder_(folder + "/store/" + name), to_(folder + "/store"), shared_(&share()) {}

  void run(long count) {
    measure_publish();
    for (long i = 0; i < count; ++i) {
      if (i % 64 == 0)
        start_followers();
      if (i % 64 == 48)
        followers_.clear(); // what they hold keeps prune from mistakes
      kill_once(i);
      check_versions();
      num_left_ += left().all() != 0;
      if (left().all() != 0 ? i % 4 < 2 : i % 16 == 0)
        publish_and_look_for_leftovers();
      if (i % 16 == 0 && !is_damaged_)
        check_all();
      if (i % 50 == 49)
        damage_current();
      for (const auto& one : followers_)
        if (one->has_ended())
          fail("a follower has ended by itself");
    }
    start_followers();
    publish_and_look_for_leftovers();
    wait_for_followers();
    check_all();
  }

  void report() const {
    const auto number = [](std::uint64_t of) { return static_cast<unsigned long long>(of); };
    std::printf("%ld kills; begun were %ld publishes (%.1f ms each), %ld rollbacks and %ld prunes\n", num_kills_,
                num_publishes_, std::chrono::duration<double, std::milli>(one_publish_).count(), num_rollbacks_,
                num_prunes_);
    std::printf(
        "kills in publish: before anything was written %ld, while it was written %ld, while it was made durable "
        "%ld, while it was put in its place %ld\n",
        in_publish_[begun], in_publish_[writing], in_publish_[written], in_publish_[durable]);
    std::printf(
        "of these publishes %ld had made nothing, %ld a version that was not current yet, %ld the current one\n",
        num_without_version_, num_not_current_, num_current_);
    std::printf("kills in rollback %ld, in prune %ld, between operations %ld\n", in_rollback_, in_prune_, in_between_);
    std::printf(
        "%ld kills left a temporary file, never more than one of a kind; %ld completed publishes after them left "
        "none\n",
        num_left_, num_sweeps_);
    std::printf("CURRENT damaged %ld times, recovered each time\n", num_damaged_);
    std::printf("versions checked %ld, lost 0, in part 0, with wrong content 0\n", num_checked_);
    for (std::size_t i = 0; i < num_followers; ++i)
      std::printf("follower %zu, by %s: %llu versions, %llu reads, wrong 0, refused 0\n", i + 1,
                  i == 0 ? "events" : "looking", number(shared_->num_changes[i]), number(shared_->num_reads[i]));
  }

private:
  void start_followers() {
    followers_.clear();
    for (std::size_t i = 0; i < num_followers; ++i) {
      shared_->served[i] = 0;
      followers_.push_back(std::make_unique<child_process>("follower", [this, i] { follow(to_, *shared_, i); }));
    }
  }

  void measure_publish() {
    constexpr int times = 8;
    const auto start = clock_type::now();
    for (int i = 0; i < times; ++i)
      publish(shared_->next_content++);
    one_publish_ = std::chrono::duration_cast<std::chrono::microseconds>(clock_type::now() - start) / times;
  }

  void publish(std::uint64_t content_number) {
    const std::uint64_t version = to_.publish(name, [&](writer& out) { add(out, content_number); });
    if (version != expected_.version_for(content_number))
      fail("version " + std::to_string(version) + " was published, expected " +
           std::to_string(expected_.version_for(content_number)));
    expected_.versions[version] = content_number;
    expected_.current = version;
    is_damaged_ = false;
  }

  void kill_once(long i) {
    shared_->num_begun = 0;
    shared_->operations[0].at = begun;
    const bool is_aimed = i % 2 == 1;
    child_process child(
        "publisher", [&] { publisher(to_, folder_ + "/source.stone", expected_, *shared_, random_()).run(is_aimed); });
    // Half of the kills come at any moment of the first few operations, the others inside of a publish.
    const auto longest = static_cast<std::uint64_t>((is_aimed ? one_publish_ : 3 * one_publish_).count()) + 1;
    const auto wait = std::chrono::microseconds(random_() % longest);
    if (is_aimed)
      wait_until(child, static_cast<int>(random_() % returned));
    std::this_thread::sleep_for(wait);
    if (!child.kill())
      fail("the publisher has ended by itself");
    ++num_kills_;
  }

  void wait_until(child_process& child, int wanted) const {
    while (shared_->num_begun == 0 || shared_->operations[0].at < wanted) {
      if (child.has_ended())
        fail("the publisher has ended by itself");
      std::this_thread::yield();
    }
  }

  // Takes over what has returned. The operation that has not, if there is one.
  const operation* take_over() {
    const std::size_t count = shared_->num_begun;
    for (std::size_t i = 0; i < count; ++i) {
      const operation& one = shared_->operations[i];
      (is_publish(one.what) ? num_publishes_ : one.what == kind::prune ? num_prunes_ : num_rollbacks_) += 1;
      if (one.at != returned)
        return &one;
      expected_.apply(one);
      is_damaged_ = is_damaged_ && one.what == kind::prune;
    }
    return nullptr;
  }

  void check_versions() {
    const operation* const killed = take_over();
    const stored_name found = to_.list(name);
    std::map<std::uint64_t, std::uint64_t> there;
    for (const stored_version& one : found.versions)
      there[one.number] = checked_content(one.number);
    require_all_published(there, killed);
    require_none_else(there, killed);
    const bool was_made_current = killed != nullptr && killed->what != kind::prune && found.current == killed->target;
    if (found.current != expected_.current && !was_made_current)
      fail("version " + std::to_string(found.current) + " is current, expected " + std::to_string(expected_.current) +
           (killed == nullptr ? "" : " or " + std::to_string(killed->target)));
    if (to_.current(name) != found.current)
      fail("the list has another current version");
    count(killed, there, was_made_current);
    expected_.versions = std::move(there);
    expected_.current = found.current;
  }

  std::uint64_t checked_content(std::uint64_t version) {
    const opened_version opened = to_.open(name, version, {}, trust::nothing);
    for (const error& fault : opened.file.verify())
      fail(fault.what());
    const std::uint64_t number = number_in(opened.file);
    shared_->require_content(version, number);
    ++num_checked_;
    return number;
  }

  void require_all_published(const std::map<std::uint64_t, std::uint64_t>& there, const operation* killed) const {
    for (const auto& [version, number] : expected_.versions) {
      const auto found = there.find(version);
      const bool may_be_gone = killed != nullptr && killed->what == kind::prune && expected_.may_be_pruned(version);
      if (found == there.end() ? !may_be_gone : found->second != number)
        fail("version " + std::to_string(version) +
             (found == there.end() ? " is lost" : " has content " + std::to_string(found->second)) +
             ", expected content " + std::to_string(number));
    }
  }

  void require_none_else(const std::map<std::uint64_t, std::uint64_t>& there, const operation* killed) const {
    for (const auto& [version, number] : there) {
      const bool is_killed_ones = killed != nullptr && is_publish(killed->what) && version == killed->target &&
                                  number == killed->content_number;
      if (!expected_.versions.contains(version) && !is_killed_ones)
        fail("version " + std::to_string(version) + " is there with content " + std::to_string(number) +
             ", which nobody has published as that or which was removed");
    }
  }

  void count(const operation* killed, const std::map<std::uint64_t, std::uint64_t>& there, bool was_made_current) {
    if (killed == nullptr) {
      ++in_between_;
    } else if (is_publish(killed->what)) {
      ++in_publish_[static_cast<std::size_t>(killed->at)];
      ++(was_made_current ? num_current_ : there.contains(killed->target) ? num_not_current_ : num_without_version_);
    } else {
      ++(killed->what == kind::prune ? in_prune_ : in_rollback_);
    }
  }

  // Temporary files; nothing else may be there that is not a version or CURRENT.
  leftovers left() const {
    leftovers out;
    for (const auto& entry : std::filesystem::directory_iterator(name_folder_ + "/versions")) {
      const std::string file = entry.path().filename().string();
      out.incoming += file.starts_with(".incoming.");
      if (!file.starts_with(".incoming.") && !file.ends_with(".stone"))
        fail(entry.path().string() + " is no version");
    }
    for (const auto& entry : std::filesystem::directory_iterator(name_folder_)) {
      const std::string file = entry.path().filename().string();
      out.current += file.starts_with(".CURRENT.");
      if (!file.starts_with(".CURRENT.") && file != "CURRENT" && file != "versions")
        fail(entry.path().string() + " is not of the store");
    }
    if (out.incoming > 1 || out.current > 1)
      fail("temporary files of more than one dead publisher are left");
    return out;
  }

  void publish_and_look_for_leftovers() {
    publish(random_() % 4 == 0 ? expected_.versions[expected_.current] : shared_->next_content++);
    if (left().all() != 0)
      fail("a temporary file is left after a completed publish");
    ++num_sweeps_;
  }

  void check_all() const {
    for (const error& fault : to_.check())
      fail(fault.what());
  }

  void damage_current() {
    const std::string path = name_folder_ + "/CURRENT";
    std::filesystem::permissions(path, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
    switch (num_damaged_++ % 4) {
    case 0: std::filesystem::remove(path); break;
    case 1: std::filesystem::resize_file(path, 0); break;
    case 2: std::filesystem::resize_file(path, std::filesystem::file_size(path) - 3); break;
    case 3: std::ofstream(path, std::ios::in).seekp(1) << "x"; break;
    }
    is_damaged_ = true;
    expected_.current = expected_.newest();
    const opened_version opened = to_.open(name);
    if (to_.current(name) != expected_.current || to_.list(name).current != expected_.current ||
        opened.number != expected_.current || number_in(opened.file) != expected_.versions[expected_.current])
      fail("CURRENT was damaged, and not recovered to the newest version");
  }

  void wait_for_followers() const {
    const auto end = clock_type::now() + 20s;
    for (const auto& served : shared_->served)
      while (served != expected_.current) {
        if (clock_type::now() > end)
          fail("a follower is at version " + std::to_string(served) + ", though " + std::to_string(expected_.current) +
               " is current");
        std::this_thread::sleep_for(1ms);
      }
  }

  const std::string folder_;
  const std::string name_folder_;
  const store to_;
  shared_state* const shared_;
  expectation expected_;
  std::vector<std::unique_ptr<child_process>> followers_;
  bool is_damaged_ = false; // CURRENT, and nobody has mended it yet
  std::mt19937_64 random_{std::random_device{}()};
  std::chrono::microseconds one_publish_{};

  long num_kills_ = 0;
  long num_publishes_ = 0;
  long num_rollbacks_ = 0;
  long num_prunes_ = 0;
  std::array<long, 4> in_publish_{}; // by stage
  long num_without_version_ = 0;
  long num_not_current_ = 0;
  long num_current_ = 0;
  long in_rollback_ = 0;
  long in_prune_ = 0;
  long in_between_ = 0;
  long num_left_ = 0;
  long num_sweeps_ = 0;
  long num_damaged_ = 0;
  long num_checked_ = 0;
};

struct folder_guard {
  std::string path;
  ~folder_guard() { std::filesystem::remove_all(path); }
};

int run(long count, const std::string& parent_folder) {
  std::string folder = parent_folder + "/petrify-store-kill-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr)
    fail("no folder in " + parent_folder);
  const folder_guard guard{folder};
  ::prctl(PR_SET_TIMERSLACK, 1UL); // kills shall come at any microsecond
  killer work(folder);
  work.run(count);
  work.report();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    const long count = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 100;
    return run(count, argc > 2 ? argv[2] : std::filesystem::temp_directory_path().string());
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "petrify_store_kill: %s\n", failure.what());
    return 1;
  }
}
