// Power cuts: what may be left of a store after one at any moment of publish, rollback and prune, each such state made
// and looked at; and that each fsync, link and rename is needed for what is promised.
#include "mapping/system_calls.hpp"
#include "store/crash_model.hpp"
#include "store/name_folder.hpp"
#include "store/stored_numbers.hpp"
#include "support/support.hpp"

#include <petrify/store.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace petrify;
using namespace petrify::test;

namespace {

using kind = disk_change::kind;

constexpr std::uint64_t wanted_content = 70;
constexpr std::uint64_t other_content = 71;
constexpr std::uint64_t num_old = 4; // versions, which hold 11 to 14
constexpr std::uint64_t old_current = 2;

std::function<void(writer&)> content(std::uint64_t number) { return stored_numbers(number, 3); }

std::string bytes_of_content(std::uint64_t number) {
  const temp_dir dir(fast_folder());
  write_numbers(dir.path("a"), number, 3);
  const std::vector<std::byte> bytes = read_bytes(dir.path("a"));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Something that changes a store, and what it promises.
struct operation {
  std::string name;
  std::function<std::uint64_t(const store&)> run; // gives the version that is current then
  bool is_first = false;                          // in a store that is not there yet
  std::uint64_t makes_current = 0;
  std::set<std::uint64_t> removes = {};
  bool has_links = true; // not on all file systems
};

std::vector<operation> operations() {
  return {
      {"first publish", [](const store& in) { return in.publish("m", content(wanted_content)); }, true, 1, {}},
      {"publish", [](const store& in) { return in.publish("m", content(wanted_content)); }, false, num_old + 1, {}},
      {"publish without links",
       [](const store& in) { return in.publish("m", content(wanted_content)); },
       false,
       num_old + 1,
       {},
       false},
      {"publish of what an older version holds",
       [](const store& in) { return in.publish("m", content(11)); },
       false,
       1,
       {}},
      {"publish of what is current",
       [](const store& in) { return in.publish("m", content(12)); },
       false,
       old_current,
       {}},
      {"rollback", [](const store& in) { return in.rollback("m", 3); }, false, 3, {}},
      {"prune",
       [](const store& in) {
         (void)in.prune("m", 1);
         return old_current;
       },
       false,
       old_current,
       {1, 3}},
  };
}

// What was done when the power was cut.
struct moment {
  bool has_returned = false;
  bool was_current = false; // CURRENT had named the new version
};

class observer {
public:
  explicit observer(operation what) : what_(std::move(what)) {
    if (!what_.is_first)
      for (std::uint64_t i = 1; i <= num_old; ++i)
        before_[i] = bytes_of_content(10 + i);
  }

  std::string root() const { return dir_.path("root"); }
  store opened() const { return store(dir_.path("root/store")); }

  // The store as it is before, and what dead publishers left in it.
  void prepare() const {
    std::filesystem::remove_all(root());
    std::filesystem::create_directory(root());
    if (what_.is_first)
      return;
    const std::string name = root() + "/store/m";
    std::filesystem::create_directories(name + "/versions");
    for (const auto& [number, bytes] : before_)
      write_text(name + "/versions/" + version_file_name(number), bytes);
    write_text(name + "/CURRENT", current_text(old_current));
    write_text(name + "/versions/.incoming.0123456789ab.petrify-tmp", "left");
    write_text(name + "/.CURRENT.0123456789ab.petrify-tmp", "left");
  }

  // The changes of a run on what is there, which `on` is before and after that.
  std::vector<disk_change> record(disk& on) const {
    const store in = opened();
    std::uint64_t current = 0;
    fault wanted{.keeps_bytes = true};
    if (!what_.has_links)
      wanted = {.what = trouble::failure, .error = EPERM, .times = SIZE_MAX, .keeps_bytes = true, .name = "linkat"};
    const auto calls = watch([&] { current = what_.run(in); }, wanted);
    REQUIRE(current == what_.makes_current);
    return on.apply_calls(calls, root());
  }

  // What is wrong with a state; empty if nothing is.
  const std::string& fault_of(const disk_state& state, const moment& at) {
    const std::string key =
        std::string(at.has_returned ? "returned " : "") + (at.was_current ? "current " : "") + state.key();
    const auto [known, is_new] = known_.try_emplace(key);
    if (is_new)
      known->second = look_at(state, at);
    return known->second;
  }
  std::size_t num_states() const { return known_.size(); }

private:
  std::string look_at(const disk_state& state, const moment& at) const {
    state.materialise(root());
    try {
      const store in = opened();
      for (const auto& look :
           {&observer::versions_fault, &observer::current_fault, &observer::check_fault, &observer::next_publish_fault})
        if (std::string fault = (this->*look)(in, at); !fault.empty())
          return fault;
      return "";
    } catch (const std::exception& failure) {
      return failure.what();
    }
  }

  std::map<std::uint64_t, std::string> listed(const store& in) const {
    std::map<std::uint64_t, std::string> out;
    stored_name all;
    try {
      all = in.list("m");
    } catch (const error& failure) {
      if (failure.code() != errc::not_found)
        throw;
    }
    for (const stored_version& one : all.versions) {
      const std::vector<std::byte> bytes = read_bytes(in.version_path("m", one.number));
      out[one.number].assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    return out;
  }

  // Old versions are there with their bytes, and a new one, if it is there, is whole.
  std::string versions_fault(const store& in, const moment& at) const {
    std::map<std::uint64_t, std::string> found = listed(in);
    for (const auto& [number, bytes] : before_) {
      const bool is_there = found.contains(number);
      const bool may_go = what_.removes.contains(number);
      if (!is_there && !may_go)
        return "version " + std::to_string(number) + " is gone";
      if (is_there && may_go && at.has_returned)
        return "version " + std::to_string(number) + " was removed and is there";
      if (is_there && found.at(number) != bytes)
        return "version " + std::to_string(number) + " has other bytes";
      found.erase(number);
    }
    const bool has_new = found.contains(what_.makes_current);
    if (has_new && found.at(what_.makes_current) != wanted_bytes_)
      return "the new version is not whole";
    if (found.size() > (has_new ? 1U : 0U))
      return "a version that nobody published";
    if (at.has_returned && !before_.contains(what_.makes_current) && !has_new)
      return "the new version is gone";
    return "";
  }

  std::string current_fault(const store& in, const moment& at) const {
    const std::string path = root() + "/store/m/CURRENT";
    if (std::filesystem::exists(path)) {
      const std::vector<std::byte> bytes = read_bytes(path);
      const auto named = parse_current(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
      if (!named)
        return "CURRENT is damaged";
      if (!std::filesystem::exists(root() + "/store/m/versions/" + version_file_name(*named)))
        return "CURRENT names a version that is not there";
    } else if (!what_.is_first || at.has_returned) {
      return "CURRENT is missing";
    }
    std::uint64_t current = 0;
    try {
      const opened_version opened = in.open("m");
      current = opened.number;
      (void)number_in(opened.file);
    } catch (const error& failure) {
      if (failure.code() != errc::not_found)
        throw;
    }
    const std::uint64_t old = what_.is_first ? 0 : old_current;
    if (current != what_.makes_current && (at.has_returned || current != old))
      return "current is " + std::to_string(current);
    return "";
  }

  std::string check_fault(const store& in, const moment& at) const {
    for (const error& one : in.check()) {
      // Until a first publish has returned there need not be a CURRENT, nor a folder.
      const bool is_early = what_.is_first && !at.has_returned && one.code() == errc::not_found;
      if (!is_early)
        return one.what();
    }
    return "";
  }

  std::string next_publish_fault(const store& in, const moment& at) const {
    const std::map<std::uint64_t, std::string> found = listed(in);
    std::uint64_t last = before_.empty() ? 0 : before_.rbegin()->first;
    if (!found.empty())
      last = std::max(last, found.rbegin()->first);
    if (at.was_current)
      last = std::max(last, what_.makes_current);
    std::uint64_t next = 0;
    watch([&] { next = in.publish("m", content(other_content)); });
    if (next <= last)
      return "number " + std::to_string(next) + " is used again";
    if (in.current("m") != next || number_in(in.open("m").file) != other_content)
      return "what is published next is not current";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root()))
      if (entry.path().string().ends_with(".petrify-tmp"))
        return entry.path().filename().string() + " stays";
    const std::vector<error> faults = in.check();
    return faults.empty() ? "" : faults.front().what();
  }

  operation what_;
  std::map<std::uint64_t, std::string> before_;
  std::string wanted_bytes_ = bytes_of_content(wanted_content);
  temp_dir dir_{fast_folder()};
  std::map<std::string, std::string> known_; // by state and moment
};

bool makes_current(const disk_change& change) { return change.what == kind::rename && change.new_name == "CURRENT"; }

// The first fault of all states that a power cut may leave at any moment of the changes; without the change that is
// left out, as if its call had claimed to have done it.
constexpr std::size_t nothing = SIZE_MAX;
std::string fault_of(observer& who, disk on, const std::vector<disk_change>& changes, moment at,
                     std::size_t left_out = nothing) {
  std::string fault;
  for (std::size_t done = 0; done <= changes.size() && fault.empty(); ++done) {
    if (done > 0) {
      if (done - 1 != left_out)
        on.apply(changes[done - 1]);
      at.was_current = at.was_current || makes_current(changes[done - 1]);
    }
    at.has_returned = done == changes.size();
    on.for_each_state([&](const disk_state& state) {
      if (!fault.empty())
        return;
      if (const std::string& found = who.fault_of(state, at); !found.empty())
        fault = "after " + (done == 0 ? "nothing" : in_words(changes[done - 1], on)) + ": " + found;
    });
  }
  return fault;
}

bool makes_durable(const disk_change& change) {
  return change.what == kind::sync || change.what == kind::link || change.what == kind::rename;
}

// A run that is killed, another that returns, a power cut: what the first had not made durable, the second has.
struct killed_run {
  operation first;
  // What is done then; nothing if it cannot be. The number is that of the version which is current after the kill.
  std::function<std::optional<operation>(const store&, std::uint64_t)> then;
};

std::vector<killed_run> killed_runs() {
  std::vector<killed_run> out;
  for (const operation& what : operations())
    if (what.removes.empty()) // versions that prune removed may come back, which is no harm
      out.push_back({what, [what](const store&, std::uint64_t) { return std::optional(what); }});
  const std::vector<operation> all = operations();
  const auto named = [&](const char* name) {
    return *std::find_if(all.begin(), all.end(), [&](const operation& what) { return what.name == name; });
  };
  out.push_back({named("publish"), [](const store& in, std::uint64_t) -> std::optional<operation> {
                   if (in.list("m").versions.size() == num_old)
                     return std::nullopt;
                   operation back{"rollback", {}, false, num_old + 1, {}};
                   back.run = [](const store& on) { return on.rollback("m", num_old + 1); };
                   return back;
                 }});
  out.push_back({named("rollback"), [](const store&, std::uint64_t current) {
                   operation prune{"prune", {}, false, current, {1, 2, 3}};
                   prune.removes.erase(current);
                   prune.run = [current](const store& on) {
                     (void)on.prune("m", 1);
                     return current;
                   };
                   return std::optional(prune);
                 }});
  return out;
}

// Calls `use` for each call that the first run may be killed after: with an observer of the second run, the disk
// before that, its changes, and what had been done.
using second_run =
    std::function<void(observer&, const operation&, const disk&, const std::vector<disk_change>&, moment)>;
void for_each_second_run(const killed_run& what, const second_run& use) {
  observer first(what.first);
  first.prepare();
  disk killed = disk::of(first.root());
  disk on = killed;
  const std::vector<disk_change> changes = first.record(on);
  moment at;
  std::map<std::uint64_t, std::unique_ptr<observer>> observers; // by what is current after the kill
  for (std::size_t done = 0; done <= changes.size(); ++done) {
    if (done > 0) {
      killed.apply(changes[done - 1]);
      at.was_current = at.was_current || makes_current(changes[done - 1]);
    }
    killed.live().materialise(first.root());
    const std::uint64_t current = what.first.is_first ? 0 : first.opened().current("m");
    const std::optional<operation> then = what.then(first.opened(), current);
    if (!then)
      continue;
    std::unique_ptr<observer>& second = observers[current];
    if (!second)
      second = std::make_unique<observer>(*then);
    std::filesystem::create_directories(second->root());
    killed.live().materialise(second->root());
    on = killed;
    const std::vector<disk_change> again = second->record(on);
    use(*second, *then, killed, again, at);
  }
}

// Which way an operation went.
std::string way_of(const operation& what, const std::vector<disk_change>& changes) {
  const auto any = [&](auto is) { return std::any_of(changes.begin(), changes.end(), is); };
  const std::string kind_of_operation = what.name.substr(what.name.starts_with("first ") ? 6 : 0);
  const std::string name = kind_of_operation.substr(0, kind_of_operation.find(' '));
  if (any([](const disk_change& one) {
        return one.what == kind::link || (one.what == kind::rename && one.new_name != "CURRENT");
      }))
    return name + " of a new version";
  return name + (any(makes_current) ? " of a version that is there" : " of what is current");
}

// Calls that are made before it is known that they need not be, or against what nobody here does.
bool may_be_left_out(const std::string& way, const std::string& call) {
  const bool is_new = way == "publish of a new version";
  // The file is durable before it is compared with the versions that are there, and is dropped.
  if (!is_new && call == "fsync of \"store/m/versions/.incoming.*.petrify-tmp\"")
    return true;
  // Where there is a version the folders are durable; before CURRENT is there publish does not know.
  if (!is_new && call.ends_with("first"))
    return true;
  // CURRENT names no version whose name is not durable, unless somebody has written it by hand.
  return way.ends_with("of what is current") && !way.starts_with("prune") && call == "fsync of \"store/m/versions\"";
}

} // namespace

TEST_CASE("APowerCutAtAnyMomentLeavesTheOldOrTheNew") {
  for (const operation& what : operations()) {
    CAPTURE(what.name);
    observer who(what);
    who.prepare();
    const disk before = disk::of(who.root());
    disk on = before;
    const std::vector<disk_change> changes = who.record(on);
    REQUIRE(on.live().key() == disk::of(who.root()).live().key()); // the model did what the system did
    const std::string fault = fault_of(who, before, changes, {});
    CHECK_MESSAGE(fault.empty(), fault);
    MESSAGE(what.name << ": " << changes.size() << " changes, " << who.num_states() << " states");
  }
}

TEST_CASE("WhatIsDoneAfterAKillIsDurable") {
  for (const killed_run& what : killed_runs()) {
    CAPTURE(what.first.name);
    std::string name;
    std::map<const observer*, std::size_t> num_states;
    for_each_second_run(what, [&](observer& who, const operation& then, const disk& killed,
                                  const std::vector<disk_change>& changes, const moment& at) {
      CAPTURE(then.name);
      const std::string fault = fault_of(who, killed, changes, at);
      CHECK_MESSAGE(fault.empty(), fault);
      num_states[&who] = who.num_states();
      name = then.name;
    });
    std::size_t sum = 0;
    for (const auto& [who, count] : num_states)
      sum += count;
    MESSAGE(what.first.name << ", then " << name << ": " << sum << " states");
  }
}

// Leaving out any one of them breaks a promise: in a run, or in one that comes after another that was killed.
TEST_CASE("EachFsyncLinkAndRenameIsNeeded") {
  std::map<std::pair<std::string, std::string>, std::string> found; // by the way, and the change that was left out
  const auto leave_out_each = [&](observer& who, const operation& what, const disk& start,
                                  const std::vector<disk_change>& changes, const moment& at) {
    disk after = start;
    for (const disk_change& change : changes)
      after.apply(change);
    bool has_begun = false; // the folders are there
    for (std::size_t i = 0; i < changes.size(); ++i) {
      has_begun = has_begun || changes[i].what == kind::make_file || changes[i].what == kind::unlink;
      if (!makes_durable(changes[i]))
        continue;
      std::string call = in_words(changes[i], after);
      if (!has_begun && way_of(what, changes).starts_with("publish"))
        call += " first";
      if (std::string& fault = found[{way_of(what, changes), call}]; fault.empty())
        fault = fault_of(who, start, changes, at, i);
    }
  };
  for (const operation& what : operations()) {
    observer who(what);
    who.prepare();
    const disk before = disk::of(who.root());
    disk on = before;
    const std::vector<disk_change> changes = who.record(on);
    leave_out_each(who, what, before, changes, {});
  }
  for (const killed_run& what : killed_runs())
    for_each_second_run(what, leave_out_each);
  for (const auto& [call, fault] : found) {
    CAPTURE(call.first);
    CAPTURE(call.second);
    CHECK_MESSAGE(fault.empty() == may_be_left_out(call.first, call.second), fault);
  }
  CHECK(found.size() > 20);
  MESSAGE(found.size() << " calls left out");
}
