// Each attack is refused by the door that docs/format.md names, with the code that it states, and by none before; the
// list for people (tests/data/corrupt/README.md) and the rules of the format page have an attack each.
#include "corrupt/attacks.hpp"

#include "support/aligned_bytes.hpp"
#include "support/sample_files.hpp"
#include "support/support.hpp"

#include "stone_use.hpp"

#include <petrify/file.hpp>
#include <petrify/writer.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <sstream>

using namespace petrify;
using namespace petrify::test;

namespace {

const std::string data = PETRIFY_TEST_DATA;

// The sample files by name.
const std::map<std::string, std::vector<std::byte>>& bases() {
  static const std::map<std::string, std::vector<std::byte>> all = [] {
    std::map<std::string, std::vector<std::byte>> out;
    const temp_dir dir;
    for (const sample_file& sample : sample_files()) {
      writer to(dir.path("f"));
      sample.fill(to);
      to.commit();
      out[sample.name] = read_bytes(dir.path("f"));
    }
    return out;
  }();
  return all;
}

// Asks for everything in a file and reads it.
void use_all(const file& from) {
  for (const object_info& object : from.objects()) {
    if (object.kind == "array")
      fuzz::use_array(from, object.name);
    if (object.kind == "value")
      fuzz::use_value(from, object.name);
    if (object.kind == "record")
      fuzz::use_record(from, object.name);
    if (object.kind == "forest")
      fuzz::use_forest(from, object.name);
    fuzz::use_attributes(from, object.name);
  }
}

std::string text_of(const std::string& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string line_of(const attack& one) {
  std::string out = "| " + one.rule + " | " + one.name + " | " + one.base + " | " + to_string(one.where);
  if (one.where != door::nobody)
    out += std::string(", ") + to_string(one.code);
  return out + " |";
}

} // namespace

TEST_CASE("EveryAttackIsRefusedByItsDoor") {
  for (const attack& one : attacks()) {
    INFO(one.rule << " " << one.name);
    const std::vector<std::byte>& base = bases().at(one.base);
    const std::vector<std::byte> made = one.edit(base);
    const bool asks_only = one.is_sound && made == base;
    REQUIRE((made != base || asks_only));
    aligned_bytes memory(made);

    std::optional<file> from;
    door seen = door::nobody;
    auto failure = error_of([&] { from = file::open_bytes(memory.bytes(), {.bounds = one.bounds}); });
    if (failure) {
      seen = door::open;
    } else if ((failure = error_of([&] { one.ask ? one.ask(*from) : use_all(*from); }))) {
      seen = door::object;
    } else if (const auto faults = from->verify(); !faults.empty()) {
      seen = door::verify;
      failure = faults[0];
    }
    const std::string message = failure ? failure->what() : "nothing";
    CHECK_MESSAGE(seen == one.where, to_string(seen) << ": " << message);
    if (!failure)
      continue;
    CHECK_MESSAGE(failure->code() == one.code, message);
    CHECK_MESSAGE(message.find(one.says) != std::string::npos, message);
    CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
    // A string that is asked for does not know its file; every other door does.
    if (one.rule != "A7")
      CHECK_MESSAGE(failure->path() == "memory", message);
    if (seen == door::object)
      CHECK_MESSAGE(from->verify().empty() == one.is_sound, message);
  }
}

TEST_CASE("TheListForPeopleIsTheListOfAttacks") {
  const std::string path = data + "/corrupt/README.md";
  std::string lines;
  for (const attack& one : attacks())
    lines += line_of(one) + "\n";
  // PETRIFY_WRITE_ATTACKS=1 test_corrupt writes the list anew.
  const std::string mark = "|---|---|---|---|\n";
  std::string page = text_of(path);
  const std::size_t begin = page.find(mark);
  REQUIRE(begin != std::string::npos);
  if (std::getenv("PETRIFY_WRITE_ATTACKS") != nullptr) {
    page = page.substr(0, begin + mark.size()) + lines;
    write_text(path, page);
  }
  CHECK(page.substr(begin + mark.size()) == lines);
  std::set<std::string> names;
  for (const attack& one : attacks())
    CHECK_MESSAGE(names.insert(one.rule + one.name).second, one.name);
}

TEST_CASE("EveryRuleOfTheFormatPageHasAnAttack") {
  std::set<std::string> attacked;
  for (const attack& one : attacks())
    attacked.insert(one.rule);
  const std::string page = text_of(std::string(PETRIFY_SOURCE_DIR) + "/docs/format.md");
  const std::string rules = page.substr(page.find("## 9. Validity rules"));
  std::size_t count = 0;
  std::istringstream lines(rules);
  for (std::string line; std::getline(lines, line);) {
    // "| F12 | ..."
    if (!line.starts_with("| ") || line.size() < 4 || std::isupper(line[2]) == 0 || std::isdigit(line[3]) == 0)
      continue;
    const std::string rule = line.substr(2, line.find(' ', 2) - 2);
    ++count;
    // That a file is complete is a promise of the writer; no edit of a complete file breaks it.
    if (rule != "W10")
      CHECK_MESSAGE(attacked.count(rule) == 1, rule);
    attacked.erase(rule);
  }
  CHECK(count > 70);
  for (const std::string& rule : attacked)
    FAIL_CHECK("no such rule: " << rule);
}
