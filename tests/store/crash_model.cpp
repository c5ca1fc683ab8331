#include "store/crash_model.hpp"

#include "support/support.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace petrify::test {

namespace {

using kind = disk_change::kind;

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

std::pair<std::string, std::string> split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::pair(std::string(), path)
                                    : std::pair(path.substr(0, slash), path.substr(slash + 1));
}

std::string file_text(const std::string& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Path below the root, without a slash at its end.
std::string below(const std::string& root, std::string path) {
  while (path.ends_with('/'))
    path.pop_back();
  if (path == root)
    return "";
  if (!path.starts_with(root + "/"))
    throw std::logic_error(path + " is not in " + root);
  return path.substr(root.size() + 1);
}

bool is_below(const std::string& root, const std::string& path) {
  return path == root || path == root + "/" || path.starts_with(root + "/");
}

} // namespace

std::string without_random_letters(std::string path) {
  constexpr std::size_t num_letters = 12;
  const std::size_t suffix = path.rfind(".petrify-tmp");
  if (suffix != std::string::npos && suffix >= num_letters)
    path.replace(suffix - num_letters, num_letters, "*");
  return path;
}

std::string in_words(const disk_change& change, const disk& in) {
  const std::string folder = "\"" + without_random_letters(in.path_of(change.at)) + "\"";
  switch (change.what) {
  case kind::make_file: return "make file " + change.name + " in " + folder;
  case kind::make_folder: return "make folder " + change.name + " in " + folder;
  case kind::write: return "write to " + folder;
  case kind::sync: return "fsync of " + folder;
  case kind::link: return "link " + change.name + " in " + folder;
  case kind::unlink: return "unlink " + change.name + " in " + folder;
  case kind::rename: return "rename to " + change.new_name + " in " + folder;
  }
  return "unknown";
}

std::string disk_state::key() const {
  std::string out;
  std::map<int, std::string> first_paths;
  for (const auto& [path, folder] : folders)
    out += path + "/\n";
  for (const auto& [path, file] : files) {
    const auto [first, is_new] = first_paths.emplace(file, path);
    out += without_random_letters(path) + "\n" +
           (is_new ? std::to_string(contents.at(file).size()) + " " + contents.at(file)
                   : without_random_letters(first->second));
    out += "\n";
  }
  return out;
}

void disk_state::materialise(const std::string& root) const {
  for (const auto& entry : std::filesystem::directory_iterator(root))
    std::filesystem::remove_all(entry.path());
  for (const auto& [path, folder] : folders)
    std::filesystem::create_directory(root + "/" + path);
  std::map<int, std::string> made;
  for (const auto& [path, file] : files) {
    const auto [first, is_new] = made.emplace(file, root + "/" + path);
    if (is_new)
      write_text(first->second, contents.at(file));
    else
      std::filesystem::create_hard_link(first->second, root + "/" + path);
  }
}

int disk::add(bool is_folder, std::string path) {
  node made;
  made.is_folder = is_folder;
  made.path = std::move(path);
  nodes_.push_back(std::move(made));
  return static_cast<int>(nodes_.size()) - 1;
}

disk disk::of(const std::string& root) {
  disk out;
  out.scan(out.add(true, ""), root);
  return out;
}

void disk::scan(int folder, const std::string& path) {
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    const int made = add(entry.is_directory(), joined(path_of(folder), name));
    nodes_[static_cast<std::size_t>(folder)].durable_names[name] = made;
    if (entry.is_directory()) {
      scan(made, entry.path().string());
    } else {
      node& file = nodes_[static_cast<std::size_t>(made)];
      file.bytes = file.durable_bytes = file_text(entry.path().string());
    }
  }
}

std::string disk::path_of(int number) const { return nodes_.at(static_cast<std::size_t>(number)).path; }

void disk::change_names(names& in, const disk_change& change) {
  if (change.what == kind::unlink || change.what == kind::rename)
    in.erase(change.name);
  if (change.what == kind::rename)
    in[change.new_name] = change.other;
  else if (change.what != kind::unlink)
    in[change.name] = change.other;
}

disk::names disk::names_of(const node& folder) const {
  names out = folder.durable_names;
  for (const disk_change& change : folder.pending)
    change_names(out, change);
  return out;
}

int disk::find(const std::string& path) const {
  int at = 0;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const names entries = names_of(nodes_.at(static_cast<std::size_t>(at)));
    const auto found = entries.find(path.substr(begin, end - begin));
    if (found == entries.end())
      throw std::logic_error("no " + path + " on the disk");
    at = found->second;
    begin = end + 1;
  }
  return at;
}

void disk::apply(const disk_change& change) {
  if (change.what == kind::make_file || change.what == kind::make_folder)
    if (add(change.what == kind::make_folder, joined(path_of(change.at), change.name)) != change.other)
      throw std::logic_error("changes of another disk");
  node& at = nodes_.at(static_cast<std::size_t>(change.at));
  switch (change.what) {
  case kind::write: {
    at.bytes.resize(std::max<std::size_t>(at.bytes.size(), change.offset + change.bytes.size()));
    at.bytes.replace(change.offset, change.bytes.size(), change.bytes);
    return;
  }
  case kind::sync:
    at.durable_bytes = at.bytes;
    at.durable_names = names_of(at);
    at.pending.clear();
    return;
  default: at.pending.push_back(change);
  }
}

std::vector<disk_change> disk::apply_calls(const std::vector<system_call>& calls, const std::string& root) {
  std::vector<disk_change> out;
  std::map<int, int> opened; // what descriptors are of
  const auto add_change = [&](disk_change change) {
    apply(change);
    out.push_back(std::move(change));
  };
  const auto split_path = [&](const system_call& call) {
    return call.folder >= 0 ? std::pair(path_of(opened.at(call.folder)), call.path) : split(below(root, call.path));
  };
  for (const system_call& call : calls) {
    const bool is_open = call.name == "open" || call.name == "openat";
    if (call.result < 0 || (is_open && call.name == "open" && !is_below(root, call.path)))
      continue;
    if (is_open && (call.flags & O_CREAT) != 0) {
      const auto [folder, name] = split_path(call);
      const int made = static_cast<int>(nodes_.size());
      add_change({kind::make_file, find(folder), made, name, {}, 0, {}});
      opened[call.descriptor] = made;
    } else if (is_open) {
      const auto [folder, name] = split_path(call);
      opened[call.descriptor] = name == "." ? find(folder) : find(joined(folder, name));
    } else if (call.name == "mkdir") {
      const auto [folder, name] = split_path(call);
      const int made = static_cast<int>(nodes_.size());
      add_change({kind::make_folder, find(folder), made, name, {}, 0, {}});
    } else if (call.name == "pwrite") {
      add_change({kind::write, opened.at(call.descriptor), -1, {}, {}, call.offset, call.bytes});
    } else if (call.name == "fsync") {
      add_change({kind::sync, opened.at(call.descriptor), -1, {}, {}, 0, {}});
    } else if (call.name == "linkat") {
      const int folder = opened.at(call.folder);
      const int file = find(joined(path_of(folder), call.path));
      add_change({kind::link, folder, file, call.new_path, {}, 0, {}});
    } else if (call.name == "unlinkat") {
      const auto [folder, name] = split_path(call);
      add_change({kind::unlink, find(folder), -1, name, {}, 0, {}});
    } else if (call.name == "renameat") {
      const int folder = opened.at(call.folder);
      const int file = find(joined(path_of(folder), call.path));
      add_change({kind::rename, folder, file, call.path, call.new_path, 0, {}});
    }
  }
  return out;
}

std::string disk::bytes_of(const node& file, std::size_t choice) {
  switch (choice) {
  case 0: return file.bytes;
  case 1: return file.durable_bytes; // of a new file: nothing
  case 2: return file.bytes.substr(0, file.bytes.size() / 2);
  default: return std::string(file.bytes.size(), '\0');
  }
}

std::size_t disk::num_choices(const node& of) const {
  return of.is_folder ? std::size_t{1} << of.pending.size() : of.bytes == of.durable_bytes ? 1 : 4;
}

// Choice 0 of everything is that all of it has reached the disk.
void disk::add_names(disk_state& out, int folder, const std::string& path,
                     const std::vector<std::size_t>& choices) const {
  const node& from = nodes_[static_cast<std::size_t>(folder)];
  names entries = from.durable_names;
  for (std::size_t i = 0; i < from.pending.size(); ++i)
    if ((choices[static_cast<std::size_t>(folder)] >> i & 1) == 0)
      change_names(entries, from.pending[i]);
  for (const auto& [name, entry] : entries) {
    const node& named = nodes_[static_cast<std::size_t>(entry)];
    const std::string at = joined(path, name);
    (named.is_folder ? out.folders : out.files)[at] = entry;
    if (named.is_folder)
      add_names(out, entry, at, choices);
    else
      out.contents[entry] = bytes_of(named, choices[static_cast<std::size_t>(entry)]);
  }
}

disk_state disk::state(const std::vector<std::size_t>& choices) const {
  disk_state out;
  add_names(out, 0, "", choices);
  return out;
}

disk_state disk::live() const { return state(std::vector<std::size_t>(nodes_.size())); }

void disk::choose(std::size_t at, std::vector<std::size_t>& choices,
                  const std::function<void(const disk_state&)>& use) const {
  if (at == nodes_.size())
    return use(state(choices));
  for (std::size_t i = 0; i < num_choices(nodes_[at]); ++i) {
    choices[at] = i;
    choose(at + 1, choices, use);
  }
}

void disk::for_each_state(const std::function<void(const disk_state&)>& use) const {
  std::vector<std::size_t> choices(nodes_.size());
  choose(0, choices, use);
}

} // namespace petrify::test
