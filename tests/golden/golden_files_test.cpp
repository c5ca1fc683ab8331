// Golden files: files of a frozen format that were written once and are read for ever (tests/data/format1/README.md).
#include "golden/answers.hpp"
#include "golden/golden_samples.hpp"

#include "support/aligned_bytes.hpp"
#include "support/support.hpp"

#include "base/checksum.hpp"
#include "forest/forest_data.hpp"

#include <petrify/file.hpp>
#include <petrify/forest.hpp>
#include <petrify/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <set>
#include <sstream>

using namespace petrify;
using namespace petrify::test;

namespace {

const std::string folder = std::string(PETRIFY_TEST_DATA) + "/format1";
const std::string manifest_path = folder + "/manifest.txt";

std::string text_of(const std::string& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// "digest size name" of a file.
std::string manifest_line(const std::string& name) {
  const std::vector<std::byte> bytes = read_bytes(folder + "/" + name);
  std::ostringstream out;
  out << std::hex << std::setw(16) << std::setfill('0') << checksum(bytes) << std::dec << ' ' << bytes.size() << ' '
      << name;
  return out.str();
}

// Names in the manifest, without the digests.
std::vector<std::string> listed_names() {
  std::vector<std::string> out;
  for (const std::string& line : lines_of(text_of(manifest_path)))
    out.push_back(line.substr(line.rfind(' ') + 1));
  return out;
}

std::vector<std::string> golden_names() {
  std::vector<std::string> out;
  for (const std::string& name : listed_names())
    if (name.ends_with(".stone"))
      out.push_back(name.substr(0, name.size() - 6));
  return out;
}

file open_golden(const std::string& name) { return file::open(folder + "/" + name + ".stone"); }

// Compares answers to some rows with the page's lines behind them.
void check_answers(const row_answers& seen, std::span<const std::string> expected, const std::string& by) {
  CAPTURE(by);
  REQUIRE(seen.lines.size() == expected.size());
  REQUIRE(!expected.empty());
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK_MESSAGE(same_answer(expected[i], seen.lines[i]),
                  "line " << i << ": " << seen.lines[i] << ", expected " << expected[i]);
}

// Compares the leaves of a new file, and the sums where they are the raw score, with a walk in floating point: what is
// kept for ever should not be one reader's opinion.
void check_against(const naive_forest& origin, const forest& of, const row_values& values) {
  std::visit(
      [&](const auto& x) {
        const std::size_t columns = origin.spec.num_columns;
        const rows matrix(x.data(), x.size() / columns, columns);
        const std::vector<std::uint32_t> leaves = of.apply(matrix);
        const std::vector<double> raw = of.predict_raw(matrix);
        for (std::size_t i = 0; i < matrix.num_rows(); ++i) {
          const auto* row = x.data() + i * columns;
          for (std::size_t t = 0; t < origin.trees.size(); ++t)
            REQUIRE(origin.leaf_of(origin.trees[t], row) == leaves[i * origin.trees.size() + t]);
          const std::vector<double> sums = origin.sums(row);
          for (std::size_t k = 0; origin.spec.num_raw_steps == 0 && k < sums.size(); ++k)
            REQUIRE(
                (raw[i * sums.size() + k] == sums[k] || (std::isnan(sums[k]) && std::isnan(raw[i * sums.size() + k]))));
        }
      },
      values);
}

// What the files have between them of what docs/format.md names, as words.
void collect(const forest_data& f, std::set<std::string>& out) {
  const auto number = [](auto value) { return std::to_string(static_cast<unsigned>(value)); };
  out.insert("task " + number(f.task));
  out.insert(f.layout == layout_kind::n16 ? "n16" : "n8 " + number(f.slot_bits));
  out.insert("blocks of " + number(1u << f.block_shift));
  if (f.blocks.size() > 1)
    out.insert("several blocks of " + number(1u << f.block_shift));
  if (!f.dense.leaves.empty())
    out.insert("dense leaves");
  if (!f.dense.exits.empty())
    out.insert("dense exits");
  for (const dense_feature& feature : f.dense.features)
    out.insert("dense feature of op " + number(feature.op));
  for (std::size_t i = 1; i < f.dense.features.size(); ++i)
    if (f.dense.features[i].slot == f.dense.features[i - 1].slot && f.dense.features[i].op == 0)
      out.insert("two dense features of a slot");
  out.insert("leaf form " + number(f.leaves) + " of type " + number(f.leaf_type));
  out.insert("accumulator " + number(f.accumulator));
  out.insert("leaf ids " + number(f.leaf_ids));
  if (f.num_stored_ids() != 0)
    out.insert("leaf ids " + number(f.leaf_ids) + " of bytes " +
               number(f.stored_leaf_ids.size_bytes() / f.num_stored_ids()));
  out.insert("sum " + number(f.sum));
  if (!f.tree_targets.empty())
    out.insert("tree targets");
  if (!f.iteration_ends.empty())
    out.insert("iterations");
  for (const step_entry& step : f.steps)
    out.insert("step " + number(step.op));
  for (const slot& one : f.slots) {
    out.insert("slot kind " + number(one.kind) + " missing " + number(one.missing));
    if (one.kind == slot_kind::category)
      out.insert("category rule " + number(one.rule));
    if (one.known != nullptr)
      out.insert("known categories");
  }
  for (const epilogue_entry& e : f.epilogue)
    out.insert("operation " + number(e.op));
  out.insert("decision " + number(f.decision));
  if (f.cut_tie_is_upper)
    out.insert("tie is upper");
  for (const output_data& o : f.outputs)
    if (o.num_classes != 0)
      out.insert("labels of type " + number(o.type));
  if (f.outputs.size() > 1)
    out.insert("several outputs");
  out.insert("golden rows " + number(f.golden_type));
  if (!f.column_names.empty())
    out.insert("column names");
  if (!f.column_types.empty())
    out.insert("column types");
  if (!f.dictionaries.empty())
    out.insert("dictionaries");
  if (!f.layout_notes.empty())
    out.insert("layout notes");
}

void collect(const value_view& value, std::set<std::string>& out) {
  out.insert(std::string("value ") + to_string(value.kind()));
  for (const value_view element : value.elements())
    collect(element, out);
  for (const auto& [key, element] : value.entries()) {
    collect(key, out);
    collect(element, out);
  }
}

} // namespace

// PETRIFY_WRITE_GOLDEN=1 test_golden writes the files of new samples. What is there is never written again.
TEST_CASE("EverySampleHasItsGoldenFile") {
  std::set<std::string> names;
  std::size_t num_walked = 0;
  for (const golden_sample& sample : golden_samples()) {
    CAPTURE(sample.name);
    CHECK(names.insert(sample.name).second);
    const std::string path = folder + "/" + sample.name;
    if (std::getenv("PETRIFY_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path + ".stone")) {
      REQUIRE(!std::filesystem::exists(path + ".txt"));
      const std::vector<std::byte> bytes = sample.make();
      aligned_bytes memory(bytes);
      const file from = file::open_bytes(memory.bytes());
      if (sample.origin) {
        for (const row_values& x : sample.x.at("model"))
          check_against(*sample.origin, from.forest("model"), x);
        ++num_walked;
      }
      write_bytes(path + ".stone", bytes);
      write_text(path + ".txt", page_of(from, sample.x));
      const std::string before = std::filesystem::exists(manifest_path) ? text_of(manifest_path) : "";
      write_text(manifest_path,
                 before + manifest_line(sample.name + ".stone") + "\n" + manifest_line(sample.name + ".txt") + "\n");
    }
    CHECK(std::filesystem::exists(path + ".stone"));
  }
  if (num_walked != 0)
    MESSAGE(num_walked << " new files agree with a walk in floating point");
}

TEST_CASE("GoldenFilesAreThoseOfTheManifestAndHaveNotChanged") {
  std::set<std::string> listed;
  for (const std::string& line : lines_of(text_of(manifest_path))) {
    const std::string name = line.substr(line.rfind(' ') + 1);
    CHECK_MESSAGE(listed.insert(name).second, name);
    REQUIRE_MESSAGE(std::filesystem::exists(folder + "/" + name), name);
    CHECK(manifest_line(name) == line);
  }
  std::set<std::string> there;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    there.insert(entry.path().filename().string());
  CHECK(there.erase("README.md") == 1);
  CHECK(there.erase("manifest.txt") == 1);
  CHECK(there == listed);
  // A file and its page each.
  CHECK(listed.size() == 2 * golden_names().size());
  for (const std::string& name : golden_names())
    CHECK_MESSAGE(listed.count(name + ".txt") == 1, name);
}

TEST_CASE("GoldenFilesAreValidAndSayWhatTheyDid") {
  CHECK(golden_names().size() > 60);
  for (const std::string& name : golden_names()) {
    CAPTURE(name);
    const file from = open_golden(name);
    for (const error& fault : from.verify())
      FAIL_CHECK(fault.what());
    const std::vector<std::string> seen = lines_of(facts_of(from));
    const std::vector<std::string> page = lines_of(text_of(folder + "/" + name + ".txt"));
    REQUIRE(page.size() >= seen.size());
    for (std::size_t i = 0; i < seen.size(); ++i)
      CHECK(page[i] == seen[i]);
    CHECK((page.size() == seen.size() || page[seen.size()].starts_with("rows ")));
  }
}

TEST_CASE("GoldenForestsAnswerWithTheSameBitsInEveryKernel") {
  std::size_t num_forests = 0;
  for (const std::string& name : golden_names()) {
    CAPTURE(name);
    const std::string text = text_of(folder + "/" + name + ".txt");
    const std::vector<std::string> page = lines_of(text);
    const file from = open_golden(name);
    // The answers of the page, one list for each run of rows.
    std::vector<std::vector<std::string>> expected;
    for (const std::string& line : page) {
      if (line.starts_with("rows "))
        expected.emplace_back();
      else if (!expected.empty() && !line.starts_with("x"))
        expected.back().push_back(line);
    }
    std::size_t run = 0;
    for (const auto& [object, all] : rows_of(text)) {
      ++num_forests;
      const forest of = from.forest(object);
      CHECK(all.size() == 3);
      for (const row_values& x : all) {
        REQUIRE(run < expected.size());
        for (const kernel* with : kernels_for(of.data()))
          check_answers(answers_by(*with, of, x), expected[run], with->name);
        check_answers(answers_of_batch(of, x), expected[run], "batch");
        check_answers(answers_of_predictor(of, x), expected[run], "predictor");
        ++run;
      }
    }
    CHECK(run == expected.size());
  }
  CHECK(num_forests > 50);
}

TEST_CASE("GoldenFilesHaveEverythingThatTheFormatHas") {
  std::set<std::string> seen;
  for (const std::string& name : golden_names()) {
    const file from = open_golden(name);
    for (const object_info& object : from.objects()) {
      seen.insert("object " + object.kind);
      if (from.attributes(object.name).size() != 0)
        seen.insert("attributes of " + object.kind);
      if (object.kind == "forest")
        collect(from.forest(object.name).data(), seen);
      if (object.kind == "value")
        collect(from.value(object.name), seen);
      if (object.kind == "array") {
        const any_array array = from.array(object.name);
        seen.insert(std::string("array ") + to_string(array.type()) +
                    (array.order() == axis_order::row_major ? "" : " by columns"));
      }
    }
  }
  std::set<std::string> wanted;
  const auto numbered = [&](const std::string& what, unsigned first, unsigned last) {
    for (unsigned i = first; i <= last; ++i)
      wanted.insert(what + ' ' + std::to_string(i));
  };
  for (const char* kind : {"array", "forest", "value", "record", "unknown"}) {
    wanted.insert(std::string("object ") + kind);
    wanted.insert(std::string("attributes of ") + kind);
  }
  for (unsigned type = 1; type <= 17; ++type)
    wanted.insert(std::string("array ") + to_string(static_cast<dtype>(type)));
  for (unsigned type = 1; type <= 16; ++type)
    wanted.insert(std::string("array ") + to_string(static_cast<dtype>(type)) + " by columns");
  for (unsigned kind = 1; kind <= 9; ++kind)
    wanted.insert(std::string("value ") + to_string(static_cast<value_kind>(kind)));
  numbered("task", 0, 3); // of the library's enum
  for (const char* layout :
       {"n8 8", "n8 12", "n8 16", "n16", "blocks of 8", "several blocks of 2", "several blocks of 4",
        "several blocks of 8", "dense leaves", "dense exits", "two dense features of a slot"})
    wanted.insert(layout);
  numbered("dense feature of op", 0, 2);
  for (const char* leaves :
       {"1 of type 12", "2 of type 12", "2 of type 13", "3 of type 12", "3 of type 13", "5 of type 13"})
    wanted.insert(std::string("leaf form ") + leaves);
  numbered("accumulator", 12, 13);
  numbered("leaf ids", 1, 3);
  for (const unsigned width : {1u, 2u, 4u}) {
    wanted.insert("leaf ids 2 of bytes " + std::to_string(width));
    wanted.insert("leaf ids 3 of bytes " + std::to_string(width));
  }
  wanted.insert({"sum 1", "sum 4", "tree targets", "iterations", "known categories", "tie is upper", "several outputs",
                 "column names", "column types", "dictionaries", "layout notes"});
  numbered("step", 1, 11);
  numbered("slot kind 1 missing", 0, 4);
  numbered("slot kind 2 missing", 0, 4);
  numbered("slot kind 3 missing", 0, 1);
  numbered("category rule", 1, 6);
  numbered("operation", 1, 19);
  numbered("decision", 0, 4);
  for (const unsigned type : {1u, 2u, 5u, 9u, 12u, 13u, 17u})
    wanted.insert("labels of type " + std::to_string(type));
  for (const unsigned type : {0u, 5u, 12u, 13u})
    wanted.insert("golden rows " + std::to_string(type));
  for (const std::string& one : wanted)
    CHECK_MESSAGE(seen.count(one) == 1, one);
}
