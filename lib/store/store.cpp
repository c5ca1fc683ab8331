#include <petrify/store.hpp>

#include "base/fail.hpp"
#include "container/container.hpp"
#include "mapping/folder.hpp"
#include "store/current.hpp"
#include "store/name_folder.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

namespace petrify::inline v0 {

namespace {

// How often a version whose lock somebody has for a moment, to see whether it is held, is tried again, and how long
// after.
constexpr int max_tries = 100;
constexpr std::chrono::milliseconds between_tries{1};

// A file of a store that is open: the descriptor has the lock that keeps the version from being pruned.
struct locked_file {
  input_file lock;
  std::shared_ptr<const container> opened;
};

} // namespace

store::store(std::string folder) : folder_(folder.empty() ? "." : std::move(folder)) {}

// nullopt: there is no such file, or it was removed meanwhile.
std::optional<file> store::open_file(const std::string& path, const open_options& options, trust vouched) {
  for (int tries = 0; tries < max_tries; ++tries) {
    if (!facts_of(path))
      return std::nullopt;
    std::optional<input_file> in;
    try {
      in.emplace(path);
    } catch (const error&) {
      if (!facts_of(path))
        return std::nullopt;
      throw;
    }
    if (try_lock(in->descriptor(), lock_kind::shared, path) == lock_result::refused) {
      std::this_thread::sleep_for(between_tries); // prune is looking whether somebody has it
      continue;
    }
    if (!has_name(in->descriptor()))
      continue;
    auto opened = container::open(*in, options.residency, options.bounds, vouched == trust::caller);
    const container& contents = *opened;
    const auto both = std::make_shared<locked_file>(locked_file{std::move(*in), std::move(opened)});
    return file(std::shared_ptr<const container>(both, &contents));
  }
  throw error(errc::io, path, "lock", "another process holds a lock on it, expected none but prune's, which is short");
}

std::vector<stored_name> store::list() const {
  auto names = names_in(folder_);
  if (!names)
    throw error(errc::not_found, folder_, {}, "no such folder, expected a store");
  std::sort(names->begin(), names->end());
  std::vector<stored_name> out;
  for (const std::string& name : *names) {
    if (!is_store_name(name) || !facts_of(path_in(path_in(folder_, name), "versions")))
      continue;
    try {
      out.push_back(list(name));
    } catch (const error& failure) {
      if (failure.code() != errc::not_found) // a first publish that has not come far
        throw;
    }
  }
  return out;
}

stored_name store::list(std::string_view name) const {
  const name_folder of(folder_, name);
  stored_name out{of.name(), 0, {}};
  for (const std::uint64_t number : of.versions())
    if (const auto facts = facts_of(of.version_path(number))) // unless it was pruned meanwhile
      out.versions.push_back({number, facts->size_bytes, facts->changed});
  if (out.versions.empty())
    of.fail_empty();
  try {
    out.current = current_of(of);
  } catch (const error& failure) {
    if (failure.code() == errc::io)
      throw;
  }
  return out;
}

std::uint64_t store::current(std::string_view name) const { return current_of(name_folder(folder_, name)); }

std::string store::version_path(std::string_view name, std::optional<std::uint64_t> version) const {
  const name_folder of(folder_, name);
  const std::uint64_t number = version ? *version : current_of(of);
  std::string out = of.version_path(number);
  if (!facts_of(out))
    of.fail_without(number);
  return out;
}

opened_version store::open(std::string_view name, std::optional<std::uint64_t> version, const open_options& options,
                           trust vouched) const {
  const name_folder of(folder_, name);
  if (version) {
    if (auto opened = open_file(of.version_path(*version), options, vouched))
      return {*version, std::move(*opened)};
    of.fail_without(*version);
  }
  for (int tries = 0; tries < max_tries; ++tries) {
    const std::uint64_t number = current_of(of);
    if (auto opened = open_file(of.version_path(number), options, vouched))
      return {number, std::move(*opened)};
    // It was current, and has been pruned since: another one is current now.
  }
  of.fail_empty();
}

} // namespace petrify::inline v0
