// The attacks: edits of sound files, each of which breaks one rule of docs/format.md, section 9.
#pragma once

#include <petrify/file.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace petrify::test {

// The first door that refuses the file; nobody: a rule that readers do not check.
enum class door { open, object, verify, nobody };
const char* to_string(door where);

struct attack {
  std::string rule; // "F12"
  std::string name; // what is edited, unique
  std::string base; // of tests/support/sample_files.hpp
  door where;
  errc code;
  std::string says; // part of the message
  std::function<std::vector<std::byte>(std::vector<std::byte>)> edit;
  // What the reader allows, and what it asks for; by default everything.
  limits bounds = {};
  std::function<void(const file&)> ask = {};
  // Whether the file is sound all the same: what is wrong is what was asked for, or new.
  bool is_sound = false;
};

const std::vector<attack>& attacks();

} // namespace petrify::test
