#include "commands.hpp"
#include "words.hpp"

#include <petrify/store.hpp>
#include <petrify/thread_pool.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace petrify::cli {

namespace {

struct store_arguments {
  std::string folder;
  std::string name;
  std::string file;
  std::uint64_t version = 0; // none
  std::uint64_t keep = 0;
  std::uint64_t count = 0; // no end
  unsigned threads = 0;
  bool as_json = false;

  store opened() const { return store(folder); }
  std::optional<std::uint64_t> wanted() const { return version == 0 ? std::nullopt : std::optional(version); }
};

// "2026-11-27T14:05:09Z".
std::string time_words(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char buffer[32];
  return {buffer, std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

int publish(const store_arguments& arguments) {
  thread_pool pool(arguments.threads);
  std::cout << arguments.opened().publish(arguments.name, arguments.file, pool) << '\n';
  return 0;
}

int list_as_json(const std::vector<stored_name>& names) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const stored_name& one : names) {
    nlohmann::ordered_json versions = nlohmann::ordered_json::array();
    for (const stored_version& version : one.versions)
      versions.push_back({{"version", version.number},
                          {"size_bytes", version.size_bytes},
                          {"published", time_words(version.published)}});
    out.push_back({{"name", one.name}, {"current", one.current}, {"versions", versions}});
  }
  std::cout << out.dump(2) << '\n';
  return 0;
}

int list(const store_arguments& arguments) {
  const std::vector<stored_name> names = arguments.opened().list();
  if (arguments.as_json)
    return list_as_json(names);
  for (const stored_name& one : names) {
    std::cout << one.name << ": " << count_words(one.versions.size(), "version") << ", current " << one.current << '\n';
    for (const stored_version& version : one.versions)
      std::cout << (version.number == one.current ? "* " : "  ") << version.number << "  "
                << time_words(version.published) << "  " << size_words(version.size_bytes) << '\n';
  }
  return 0;
}

int path(const store_arguments& arguments) {
  std::cout << arguments.opened().version_path(arguments.name, arguments.wanted()) << '\n';
  return 0;
}

int rollback(const store_arguments& arguments) {
  thread_pool pool(arguments.threads);
  std::cout << arguments.opened().rollback(arguments.name, arguments.wanted(), pool) << '\n';
  return 0;
}

int prune(const store_arguments& arguments) {
  const prune_result result = arguments.opened().prune(arguments.name, arguments.keep);
  for (const std::uint64_t number : result.removed)
    std::cout << "removed " << number << '\n';
  for (const std::uint64_t number : result.held)
    std::cout << "held " << number << '\n';
  return 0;
}

int check(const store_arguments& arguments) {
  const store from = arguments.opened();
  thread_pool pool(arguments.threads);
  const std::vector<error> faults = from.check(pool);
  for (const error& fault : faults)
    std::cerr << "petrify: " << fault.what() << '\n';
  if (!faults.empty())
    return 1;
  const std::vector<stored_name> names = from.list();
  std::size_t num_versions = 0;
  for (const stored_name& one : names)
    num_versions += one.versions.size();
  std::cout << arguments.folder << ": sound, " << count_words(num_versions, "version") << " of "
            << count_words(names.size(), "name") << '\n';
  return 0;
}

// A line for the current version and for each change, until as many changes have come as are asked for.
int watch(const store_arguments& arguments) {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t num_changes = 0;
  const auto print = [&](std::uint64_t version) {
    std::cout << time_words(std::chrono::system_clock::now()) << " version " << version << std::endl;
  };
  follow_options options;
  options.residency = residency::lazy;
  bool is_first = true;
  options.accept = [&](const file&, std::uint64_t version) {
    if (std::exchange(is_first, false))
      print(version); // before any change can be told
  };
  options.on_change = [&](std::uint64_t version) {
    const std::lock_guard lock(mutex);
    print(version);
    ++num_changes;
    changed.notify_all();
  };
  options.on_refused = [&](std::uint64_t, const error& why) { std::cerr << "petrify: " << why.what() << std::endl; };
  const follower follows = arguments.opened().follow(arguments.name, options);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return arguments.count != 0 && num_changes >= arguments.count; });
  return 0;
}

} // namespace

void add_store(CLI::App& app, action& chosen) {
  auto arguments = std::make_shared<store_arguments>();
  CLI::App* command = app.add_subcommand("store", "Keep versions of models in a folder, of which one is current");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* about, int (*run)(const store_arguments&)) {
    CLI::App* sub = command->add_subcommand(name, about);
    sub->add_option("DIR", arguments->folder, "folder of the store")->required();
    sub->callback([&chosen, arguments, run] { chosen = [arguments, run] { return run(*arguments); }; });
    return sub;
  };
  const auto add_name = [&](CLI::App* sub) {
    sub->add_option("NAME", arguments->name, "name of the model")->required();
    return sub;
  };
  const auto add_threads = [&](CLI::App* sub) {
    sub->add_option("--threads", arguments->threads, "threads to check on; as many as the machine has by default")
        ->check(CLI::Range(1u, 1024u));
    return sub;
  };
  const CLI::Range from_one(std::uint64_t{1}, std::uint64_t{999'999'999'999'999'999});

  CLI::App* sub = add_threads(add_name(add("publish",
                                           "Check a petrify file, make it the current version, print its number; "
                                           "makes the store when there is none",
                                           publish)));
  sub->add_option("FILE", arguments->file, "petrify file")->required();
  sub = add("list", "Print all names and their versions; * marks the current ones", list);
  sub->add_flag("--json", arguments->as_json, "print JSON");
  sub = add_name(add("path", "Print the path of a version", path));
  sub->add_option("--version", arguments->version, "which one; the current one by default")->check(from_one);
  sub = add_threads(add_name(add("rollback", "Check a version, make it current, print its number", rollback)));
  sub->add_option("VERSION", arguments->version, "which one; the one before the current one by default")
      ->check(from_one);
  sub = add_name(add("prune", "Remove old versions: not the current one, nor any that somebody has open", prune));
  sub->add_option("--keep", arguments->keep, "how many of the newest stay")->required()->check(from_one);
  sub = add_name(add("watch", "Print the current version, and each that becomes current", watch));
  sub->add_option("--count", arguments->count, "end after so many changes; by default never")->check(from_one);
  add_threads(add("check", "Check every byte of every version and print every fault", check));
}

} // namespace petrify::cli
