// Everything that can be wrong with a store.
#include <petrify/store.hpp>

#include "base/fail.hpp"
#include "mapping/folder.hpp"
#include "store/name_folder.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace petrify::inline v0 {

namespace {

constexpr unsigned anybody_may_write = 0002;
constexpr unsigned sticky = 01000;

class store_check {
public:
  store_check(std::string folder, executor& on) : folder_(std::move(folder)), on_(&on) {}

  std::vector<error> run() {
    collect([&] {
      auto names = names_in(folder_);
      if (!names)
        throw error(errc::not_found, folder_, {}, "no such folder, expected a store");
      // With the sticky bit others can add names, but not change what is there.
      if (const auto facts = facts_of(folder_, links::follow); facts && (facts->mode & sticky) == 0)
        look_at_mode(folder_, *facts);
      std::sort(names->begin(), names->end());
      for (const std::string& name : *names)
        if (is_store_name(name))
          collect([&] { check_name(name_folder(folder_, name)); });
    });
    return std::move(faults_);
  }

private:
  template <class Check>
  void collect(Check check) {
    try {
      check();
    } catch (const error& failure) {
      faults_.push_back(failure);
    }
  }

  void report(errc code, const std::string& path, std::string message) {
    faults_.emplace_back(code, path, "", std::move(message));
  }

  void look_at_mode(const std::string& path, const file_facts& facts) {
    if ((facts.mode & anybody_may_write) != 0)
      report(errc::invalid_argument, path, "anybody may write it, expected only accounts that readers trust");
  }

  void check_name(const name_folder& of) {
    const auto folder = facts_of(of.path(), links::follow);
    const auto versions = facts_of(of.versions_path(), links::follow);
    if (!folder || !folder->is_folder || !versions)
      return; // something else that lies in the folder
    look_at_mode(of.path(), *folder);
    look_at_mode(of.versions_path(), *versions);
    auto files = names_in(of.versions_path());
    if (!files)
      return;
    std::sort(files->begin(), files->end());
    for (const std::string& file : *files)
      check_version(path_in(of.versions_path(), file), file);
    const std::vector<std::uint64_t> numbers = of.versions();
    if (!numbers.empty())
      collect([&] { check_current(of, numbers); });
  }

  void check_version(const std::string& path, const std::string& name) {
    if (!name.ends_with(".stone"))
      return;
    const auto facts = facts_of(path);
    if (!facts)
      return; // pruned meanwhile
    if (!number_of(name))
      return report(errc::malformed, path, "is no version's name, expected a number before .stone, as in 12.stone");
    if (!facts->is_regular)
      return report(errc::not_regular, path, "is no regular file, expected a version");
    look_at_mode(path, *facts);
    std::vector<error> found = verify(path, {}, {}, *on_);
    if (!found.empty() && !facts_of(path))
      return;
    faults_.insert(faults_.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }

  void check_current(const name_folder& of, const std::vector<std::uint64_t>& numbers) {
    const std::string path = of.current_path();
    const auto facts = facts_of(path);
    if (!facts)
      return report(errc::not_found, path,
                    text("is missing, expected it to name one of ", numbers.size(), " versions"));
    if (!facts->is_regular)
      return report(errc::not_regular, path, "is no regular file, expected a version's number");
    look_at_mode(path, *facts);
    const auto named = of.named_current();
    if (!named)
      return report(
          errc::corrupt, path,
          text("is ", quoted(read_small_file(path, 60).value_or("")), ", expected a number and its checksum"));
    if (!facts_of(of.version_path(*named)))
      report(errc::not_found, path, text("names version ", *named, ", which is not there"));
  }

  std::string folder_;
  executor* on_;
  std::vector<error> faults_;
};

} // namespace

std::vector<error> store::check(executor& on) const { return store_check(folder_, on).run(); }

} // namespace petrify::inline v0
