// A disk that keeps what was synced, and of the rest whatever it likes: what may be left of a store after a power cut
// at any moment.
#pragma once

#include "mapping/system_calls.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace petrify::test {

// A change of files or names, or an fsync. Files and folders are numbers, from 0, which is the folder that the store's
// own folder is in.
struct disk_change {
  enum class kind { make_file, make_folder, write, sync, link, unlink, rename };
  kind what;
  int at;               // the folder of a name, or the file or folder that is written or synced
  int other = -1;       // the file or folder that gets a name
  std::string name;     // in its folder; of rename the old one
  std::string new_name; // rename
  std::uint64_t offset = 0;
  std::string bytes;
};

// "fsync of \"store/m\"", "link 5.stone in \"store/m/versions\"". Temporary files have * for their random letters.
std::string in_words(const disk_change& change, const class disk& in);

// Files and folders by their paths below the root, and which of them are one file.
struct disk_state {
  std::map<std::string, int> folders;
  std::map<std::string, int> files;
  std::map<int, std::string> contents; // of files
  // Equal for states that no reader can tell apart.
  std::string key() const;
  // Makes it, in a folder that is emptied before.
  void materialise(const std::string& root) const;
};

class disk {
public:
  // What a folder holds, all of it durable.
  static disk of(const std::string& root);

  // The changes that calls made below `root`, which this disk was before them; applies them.
  std::vector<disk_change> apply_calls(const std::vector<system_call>& calls, const std::string& root);
  void apply(const disk_change& change);

  // What is there if the power stays.
  disk_state live() const;
  // Every state that a power cut may leave now: of the names that were made, removed and moved in a folder since its
  // last fsync any part has reached the disk; of a file whose bytes were not synced nothing, half, zeros, or all has.
  void for_each_state(const std::function<void(const disk_state&)>& use) const;

  std::string path_of(int number) const;

private:
  using names = std::map<std::string, int>;
  struct node {
    bool is_folder = false;
    std::string path; // that it had first, for messages
    names durable_names;
    std::vector<disk_change> pending; // of names
    std::string durable_bytes;
    std::string bytes;
  };
  int add(bool is_folder, std::string path);
  void scan(int folder, const std::string& path);
  static void change_names(names& in, const disk_change& change);
  names names_of(const node& folder) const;
  int find(const std::string& path) const;
  void choose(std::size_t at, std::vector<std::size_t>& choices,
              const std::function<void(const disk_state&)>& use) const;
  std::size_t num_choices(const node& of) const;
  disk_state state(const std::vector<std::size_t>& choices) const;
  void add_names(disk_state& out, int folder, const std::string& path, const std::vector<std::size_t>& choices) const;
  static std::string bytes_of(const node& file, std::size_t choice);

  std::vector<node> nodes_;
};

} // namespace petrify::test
