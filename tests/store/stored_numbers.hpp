// Small versions that are told apart by a number, and other processes that hold or publish them.
#pragma once

#include "forest/forest_data.hpp"
#include "support/stump.hpp"
#include "support/support.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace petrify::test {

// Writes an array whose elements are all `number`.
inline std::function<void(writer&)> stored_numbers(std::uint64_t number, std::size_t size = 100) {
  return [=](writer& out) { out.add("number", std::vector<std::uint64_t>(size, number)); };
}

inline void write_numbers(const std::string& path, std::uint64_t number, std::size_t size = 100) {
  writer out(path);
  stored_numbers(number, size)(out);
  out.commit();
}

// Throws where it does not have one and the same in all its elements.
inline std::uint64_t number_in(const file& from) {
  const auto numbers = from.array<std::uint64_t>("number");
  for (const std::uint64_t one : numbers.elements())
    if (one != numbers(0))
      throw std::runtime_error(from.path() + " is torn");
  return numbers(0);
}

// Changes a byte of a read-only file in place.
inline void flip_byte(const std::string& path, std::size_t at) {
  std::vector<std::byte> bytes = read_bytes(path);
  REQUIRE(at < bytes.size());
  bytes[at] ^= std::byte{0xff};
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  write_bytes(path, bytes);
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
}

// Has the first node of a version's forest "model" lead out of the nodes.
inline void damage_first_node(const std::string& path) {
  std::vector<std::byte> bytes = read_bytes(path);
  {
    const file opened = file::open(path);
    const forest_data& data = opened.forest("model").data();
    const auto* nodes = static_cast<const std::byte*>(data.nodes);
    const auto at = std::search(bytes.begin(), bytes.end(), nodes, nodes + data.node_bytes());
    REQUIRE(at != bytes.end());
    std::fill_n(at + 4, 4, std::byte{0xff});
  }
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  write_bytes(path, bytes);
}

// A process that has run `work` and keeps what it returned until end().
class other_process {
public:
  template <class Work>
  explicit other_process(Work work) {
    int ready[2];
    int go[2];
    REQUIRE(::pipe(ready) == 0);
    REQUIRE(::pipe(go) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::close(ready[0]);
      ::close(go[1]);
      int status = 1;
      try {
        [[maybe_unused]] const auto kept = work();
        char byte = 'r';
        if (::write(ready[1], &byte, 1) == 1 && ::read(go[0], &byte, 1) >= 0)
          status = 0;
      } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
      }
      ::_exit(status);
    }
    ::close(ready[1]);
    ::close(go[0]);
    ready_ = ready[0];
    go_ = go[1];
  }
  other_process(const other_process&) = delete;
  other_process& operator=(const other_process&) = delete;
  ~other_process() { end(); }

  // Until its work is done.
  void wait_until_ready() const {
    char byte;
    CHECK(::read(ready_, &byte, 1) == 1);
  }
  // Has it end, and checks that all went well.
  void end() const {
    if (child_ < 0)
      return;
    // Not by closing it: children that were forked later have copies.
    CHECK(::write(go_, "g", 1) == 1);
    ::close(go_);
    int status = 0;
    CHECK(::waitpid(child_, &status, 0) == child_);
    CHECK(status == 0);
    ::close(ready_);
    child_ = -1;
  }
  pid_t id() const { return child_; }

private:
  mutable pid_t child_;
  int ready_;
  int go_;
};

} // namespace petrify::test
