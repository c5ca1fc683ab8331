// One contender, one question, one new process: its times, its memory and its answer as one JSON object.
//
// petrify_process CONTENDER QUESTION FILE [OPTION...]; --help says which there are.
// Exit status: 0 answered, 2 failure, 77 the contender cannot be asked this ("skipped" says why); drop: 1 when the
// page cache keeps a file.
#include "process.hpp"

#include "array_contenders.hpp"
#include "compare/page_cache.hpp"
#include "environment.hpp"

#include "forest/cpu.hpp"

#include <boost/version.hpp>
#include <flatbuffers/base.h>
#if __has_include(<xtensor/core/xtensor_config.hpp>)
#include <xtensor/core/xtensor_config.hpp>
#else
#include <xtensor/xtensor_config.hpp>
#endif

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace bench {

void print_record(const json& record) {
  std::printf("%s\n", record.dump().c_str());
  std::fflush(stdout);
}

} // namespace bench

namespace {

using bench::json;
using bench::usage_error;

constexpr const char* usage =
    "usage: petrify_process CONTENDER QUESTION FILE [OPTION...]\n"
    "       petrify_process environment\n"
    "       petrify_process drop FILE...\n"
    "\n"
    "arrays, CONTENDER: %s\n"
    "  make     write FILE: --floats N elements, the i-th is i mod 2^24; with --row-floats N in rows of N\n"
    "  first    open FILE and read element --index I (the middle), once, and again for --seconds S (0.2;\n"
    "           0: not again)\n"
    "  row      open FILE and sum row --index I (the middle)\n"
    "  columns  open FILE and sum columns 0 to 3 of all rows\n"
    "  scan     open FILE and sum all elements\n"
    "  halves   open FILE and sum the first half of its rows, and the others: exact up to 8 GiB\n"
    "  hold     scan, print the record with \"ready\", and stay until standard input ends\n"
    "  --row-floats N  length of a row where the file's array has rank 1\n"
    "forests, CONTENDER: petrify, naive_bulk, naive_elements\n"
    "  make-forest       write FILE: a plain copy of the forest \"model\" of --from FILE.stone (not petrify)\n"
    "  first-prediction  open FILE and predict --row VALUE,VALUE,..., once, and again for --seconds S (0.2);\n"
    "                    --output raw (the mean of a random forest's leaves), proba or predict;\n"
    "                    --trust leaves out petrify's check of the nodes\n"
    "environment  what this is built with and runs on\n"
    "drop         have the system write FILEs back and forget them; status 1 when it keeps more than a hundredth\n";

template <class Number>
Number parse(std::string_view text, const std::string& what) {
  Number number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    throw usage_error(what + ": \"" + std::string(text) + "\" is no number");
  return number;
}

std::vector<double> parse_row(std::string_view text) {
  std::vector<double> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    out.push_back(parse<double>(text.substr(at, comma - at), "--row"));
    at = comma + 1;
  }
  return out;
}

bench::process_request parse_request(const std::vector<std::string>& words) {
  bench::process_request out;
  std::vector<std::string> places;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    const std::string word = words[i].substr(0, equals); // --name value, or --name=value
    if (!word.starts_with("--")) {
      places.push_back(words[i]);
      continue;
    }
    if (word == "--trust") {
      out.is_trusted = true;
      continue;
    }
    if (equals == std::string::npos && ++i == words.size())
      throw usage_error(word + " is unknown, or its value is missing");
    const std::string value = equals == std::string::npos ? words[i] : words[i].substr(equals + 1);
    if (word == "--floats")
      out.floats = parse<std::uint64_t>(value, word);
    else if (word == "--row-floats")
      out.row_floats = parse<std::uint64_t>(value, word);
    else if (word == "--index")
      out.index = parse<std::uint64_t>(value, word);
    else if (word == "--seconds")
      out.seconds = parse<double>(value, word);
    else if (word == "--row")
      out.row = parse_row(value);
    else if (word == "--from")
      out.from = value;
    else if (word == "--output")
      out.output = value;
    else
      throw usage_error(word + " is unknown");
  }
  if (places.size() != 3)
    throw usage_error("expected CONTENDER QUESTION FILE");
  if (out.output != "proba" && out.output != "predict" && out.output != "raw")
    throw usage_error("--output " + out.output + ", expected raw, proba or predict");
  out.contender = places[0];
  out.question = places[1];
  out.file = places[2];
  return out;
}

int answer(const bench::process_request& request) {
  constexpr std::string_view of_arrays[] = {"make", "first", "row", "columns", "scan", "halves", "hold"};
  constexpr std::string_view of_forests[] = {"make-forest", "first-prediction"};
  const bool is_array = std::ranges::find(of_arrays, request.question) != std::end(of_arrays);
  if (!is_array && std::ranges::find(of_forests, request.question) == std::end(of_forests))
    throw usage_error("question " + request.question + ", expected one of those that --help lists");
  json record{
      {"contender", request.contender}, {"language", "c++"}, {"question", request.question}, {"file", request.file}};
  try {
    if (is_array)
      bench::answer_array_question(request, record);
    else
      bench::answer_forest_question(request, record);
  } catch (const bench::not_applicable& reason) {
    record["skipped"] = reason.what();
    bench::print_record(record);
    return bench::exit_skipped;
  }
  if (request.question != "hold") // which has printed it
    bench::print_record(record);
  return 0;
}

const char* name_of(petrify::cpu_level level) {
  switch (level) {
  case petrify::cpu_level::reference: return "reference";
  case petrify::cpu_level::scalar: return "scalar";
  case petrify::cpu_level::avx2: return "avx2";
  case petrify::cpu_level::avx512: return "avx512";
  case petrify::cpu_level::avx512vbmi: return "avx512vbmi";
  }
  return "unknown";
}

std::string version(int major, int minor, int patch) {
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch);
}

int print_environment() {
  json record;
  for (const auto& [name, value] : bench::environment())
    record[name] = value;
  record["kernel_level"] = name_of(petrify::usable_cpu_level());
  record["boost"] = version(BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
  record["flatbuffers"] = version(FLATBUFFERS_VERSION_MAJOR, FLATBUFFERS_VERSION_MINOR, FLATBUFFERS_VERSION_REVISION);
  record["xtensor"] = version(XTENSOR_VERSION_MAJOR, XTENSOR_VERSION_MINOR, XTENSOR_VERSION_PATCH);
  bench::print_record(record);
  return 0;
}

int drop(const std::vector<std::string>& paths) {
  if (paths.empty())
    throw usage_error("drop needs a FILE");
  json files;
  double most = 0;
  for (const std::string& path : paths) {
    const double share = compare::drop(path);
    files[path] = share;
    most = std::max(most, share);
  }
  bench::print_record({{"question", "drop"}, {"files", files}, {"cached_fraction", most}});
  return most > compare::most_that_may_stay ? 1 : 0;
}

void print_usage(std::FILE* to) {
  std::string names;
  for (const auto* list : {&bench::array_contenders(), &bench::petrify_modes()})
    for (const bench::array_contender* one : *list)
      names += (names.empty() ? "" : ", ") + std::string(one->name());
  std::fprintf(to, usage, names.c_str());
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.empty())
      return print_usage(stderr), 2;
    if (words[0] == "--help")
      return print_usage(stdout), 0;
    if (words[0] == "environment" && words.size() == 1)
      return print_environment();
    if (words[0] == "drop")
      return drop({words.begin() + 1, words.end()});
    return answer(parse_request(words));
  } catch (const usage_error& failure) {
    std::fprintf(stderr, "petrify_process: %s; --help tells more\n", failure.what());
    return 2;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "petrify_process: %s\n", failure.what());
    return 2;
  }
}
