#include "commands.hpp"
#include "feature_matrix.hpp"
#include "progress.hpp"
#include "words.hpp"

#include "base/fail.hpp"

#include <petrify/import.hpp>

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

namespace petrify::cli {

namespace {

struct convert_arguments {
  std::string in;
  std::string out;
  std::string golden;
  import_options options;
};

int convert(convert_arguments arguments) {
  std::error_code none;
  if (std::filesystem::equivalent(arguments.in, arguments.out, none))
    throw error(errc::invalid_argument, arguments.out, {}, "is the file that is read, expected another one to write");
  std::optional<feature_matrix> golden;
  if (!arguments.golden.empty()) {
    golden.emplace(arguments.golden);
    arguments.options.golden_rows = golden->slice(0, golden->num_rows());
  }
  std::vector<imported_object> objects;
  {
    progress_bar bar("reading");
    arguments.options.progress = [&](std::string_view step, std::uint64_t done, std::uint64_t total) {
      bar.update(step, done, total);
    };
    writer out(arguments.out);
    objects = import_file(arguments.in, out, arguments.options);
    bar.update("making it durable", 0, 0);
    out.commit();
  }
  for (const imported_object& object : objects) {
    std::cout << printable(object.name) << ": " << printable(object.what) << '\n';
    if (!object.note.empty())
      std::cout << printable(object.name) << ": " << printable(object.note) << '\n';
  }
  std::cout << arguments.out << ": " << size_words(std::filesystem::file_size(arguments.out)) << '\n';
  return 0;
}

} // namespace

void add_convert(CLI::App& app, action& chosen) {
  auto arguments = std::make_shared<convert_arguments>();
  CLI::App* command = app.add_subcommand("convert", "Turn another library's model or arrays into a petrify file");
  command
      ->add_option("IN", arguments->in,
                   "pickle or joblib dump (raw or compressed), XGBoost's .json or .ubj, LightGBM's .txt, .npy, .npz or "
                   ".safetensors file")
      ->required();
  command->add_option("OUT", arguments->out, "the petrify file to write (.stone)")->required();
  command->add_option("--name", arguments->options.name, "name of the object; of a bundle, what its names begin with");
  static const std::map<std::string, import_format> formats = {{"pickle", import_format::pickle},
                                                               {"joblib", import_format::pickle},
                                                               {"xgboost-json", import_format::xgboost_json},
                                                               {"xgboost-ubjson", import_format::xgboost_ubjson},
                                                               {"lightgbm", import_format::lightgbm},
                                                               {"npy", import_format::npy},
                                                               {"npz", import_format::npz},
                                                               {"safetensors", import_format::safetensors}};
  command
      ->add_option_function<std::string>(
          "--from", [arguments](const std::string& word) { arguments->options.from = formats.at(word); },
          "format of IN, if its bytes do not tell: pickle, joblib, xgboost-json, xgboost-ubjson, lightgbm, npy, npz or "
          "safetensors")
      ->check(CLI::IsMember(
          {"pickle", "joblib", "xgboost-json", "xgboost-ubjson", "lightgbm", "npy", "npz", "safetensors"}));
  command->add_option("--iterations", arguments->options.iterations,
                      "use the first N boosting iterations (default: what the origin's predict uses)");
  static const std::map<std::string, layout_choice> layouts = {{"auto", layout_choice::automatic},
                                                               {"nodes", layout_choice::nodes},
                                                               {"n8", layout_choice::n8},
                                                               {"n16", layout_choice::n16},
                                                               {"dense", layout_choice::dense}};
  command
      ->add_option_function<std::string>(
          "--layout", [arguments](const std::string& word) { arguments->options.layout = layouts.at(word); },
          "how nodes are written: auto; nodes, which leaves out tables beside them; n8 or n16, nodes of 8 or 16 bytes "
          "alone; or dense, with tables however large")
      ->check(CLI::IsMember({"auto", "nodes", "n8", "n16", "dense"}));
  command->add_option("--missing", arguments->options.missing,
                      "a value that counts as missing in an XGBoost model beside NaN");
  command->add_option("--golden", arguments->golden,
                      "rows (.npy) to keep with their raw scores, which verify computes anew and compares");
  command->callback([&chosen, arguments] { chosen = [arguments] { return convert(*arguments); }; });
}

} // namespace petrify::cli
