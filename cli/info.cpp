#include "commands.hpp"
#include "words.hpp"

#include "base/fail.hpp"

#include <petrify/forest.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <iostream>
#include <memory>

namespace petrify::cli {

namespace {

// Keys in the order in which they are written here.
using json = nlohmann::ordered_json;

json describe_array(const any_array& array) {
  json out;
  out["dtype"] = to_string(array.type());
  if (array.type() == dtype::fixed_bytes)
    out["item_size"] = array.item_size_bytes();
  out["shape"] = std::vector<std::uint64_t>(array.shape().begin(), array.shape().end());
  out["order"] = array.order() == axis_order::row_major ? "row-major" : "column-major";
  return out;
}

json describe_forest(const forest& forest) {
  json out;
  out["library"] = forest.library();
  out["library_version"] = forest.library_version();
  out["model_class"] = forest.model_class();
  out["objective"] = forest.objective();
  out["task"] = to_string(forest.task());
  out["columns"] = forest.num_columns();
  out["column_names"] = forest.column_names();
  json outputs = json::array();
  for (std::size_t i = 0; i < forest.num_outputs(); ++i) {
    json output;
    const class_labels labels = forest.labels(i);
    output["dtype"] = to_string(labels.size() != 0 ? labels.type() : forest.value_type(i));
    json classes = json::array();
    for (std::size_t k = 0; k < labels.size(); ++k)
      classes.push_back(labels.text(k));
    output["classes"] = classes;
    outputs.push_back(output);
  }
  out["outputs"] = outputs;
  out["column_types"] = forest.column_types();
  json categories = json::object();
  for (std::size_t j = 0; j < forest.num_columns(); ++j)
    if (const auto names = forest.category_names(j); !names.empty())
      categories[std::to_string(j)] = names;
  out["categories"] = categories;
  out["iterations"] = forest.num_iterations();
  out["best_iteration"] = forest.best_iteration() ? json(*forest.best_iteration()) : json(nullptr);
  out["golden_rows"] = forest.num_golden_rows();
  out["trees"] = forest.num_trees();
  out["nodes"] = forest.num_nodes();
  out["layout"] = forest.layout();
  out["layout_notes"] = forest.layout_notes();
  out["dense_levels"] = forest.dense_levels();
  out["dense_bytes"] = forest.dense_bytes();
  out["node_bytes"] = forest.node_bytes();
  out["leaf_rows"] = forest.num_leaf_rows();
  out["leaf_bytes"] = forest.leaf_bytes();
  return out;
}

// A value as JSON where that has a form for it, else in words. Of a long dict too: JSON's keys are searched one by one.
json describe_value(const value_view& value) {
  constexpr std::size_t most_entries = 1000;
  switch (value.kind()) {
  case value_kind::null: return nullptr;
  case value_kind::boolean: return *value.as_bool();
  case value_kind::integer: return *value.as_int();
  case value_kind::text: return *value.as_text();
  case value_kind::real:
    if (std::isfinite(*value.as_real()))
      return *value.as_real();
    break;
  case value_kind::list: {
    json out = json::array();
    for (const value_view element : value.elements())
      out.push_back(describe_value(element));
    return out;
  }
  case value_kind::dict: {
    if (value.size() > most_entries)
      break;
    json out = json::object();
    for (const auto& [key, entry] : value.entries())
      out.emplace(key.as_text() ? *key.as_text() : value_words(key), describe_value(entry));
    return out;
  }
  case value_kind::bytes:
  case value_kind::big_integer: break;
  }
  return value_words(value);
}

// All facts about a file; both forms of output are made from these.
json describe(const file& from) {
  json out;
  out["path"] = from.path();
  out["format_version"] = format_version;
  out["producer"] = from.producer();
  out["size_bytes"] = from.size_bytes();
  json objects = json::array();
  for (const object_info& object : from.objects()) {
    json one;
    one["name"] = object.name;
    one["kind"] = object.kind;
    one["size_bytes"] = object.size_bytes;
    try {
      if (object.kind == "array")
        one.update(describe_array(from.array(object.name)));
      if (object.kind == "forest")
        // Nothing is predicted here, so the nodes need no check.
        one.update(describe_forest(from.forest(object.name, trust::caller)));
      if (object.kind == "value")
        one["value"] = value_words(from.value(object.name));
    } catch (const error& failure) {
      // One object that cannot be used does not hide the others.
      one["error"] = failure.message();
    }
    try {
      if (const value_view attributes = from.attributes(object.name); attributes.size() != 0)
        one["attributes"] = describe_value(attributes);
    } catch (const error& failure) {
      one["attributes_error"] = failure.message();
    }
    objects.push_back(one);
  }
  out["objects"] = objects;
  return out;
}

void print_line(const char* label, const std::string& value) {
  std::cout << "    " << label << std::string(12 - std::string_view(label).size(), ' ') << printable(value) << '\n';
}

// "setosa, versicolor, virginica"; a long list is cut.
std::string list_words(const json& texts) {
  constexpr std::size_t shown = 12;
  std::string out;
  for (std::size_t i = 0; i < std::min(shown, texts.size()); ++i)
    out += (i == 0 ? "" : ", ") + texts[i].get<std::string>();
  if (texts.size() > shown)
    out += " and " + std::to_string(texts.size() - shown) + " more";
  return out;
}

void print_forest(const json& forest) {
  const auto number = [&](const char* key) { return forest[key].get<std::uint64_t>(); };
  const std::string objective = forest["objective"].get<std::string>();
  print_line("model", forest["model_class"].get<std::string>() + (objective.empty() ? "" : " (" + objective + ")"));
  print_line("from", forest["library"].get<std::string>() + " " + forest["library_version"].get<std::string>());
  print_line("task", forest["task"].get<std::string>());
  for (const json& output : forest["outputs"]) {
    const json& classes = output["classes"];
    const std::string type = output["dtype"].get<std::string>();
    print_line("output", classes.empty()
                             ? type
                             : type + ", " + count_words(classes.size(), "class") + ": " + list_words(classes));
  }
  const json& names = forest["column_names"];
  print_line("columns", std::to_string(number("columns")) + (names.empty() ? "" : ": " + list_words(names)));
  if (const json& types = forest["column_types"]; !types.empty())
    print_line("types", list_words(types));
  for (const auto& [column, list] : forest["categories"].items()) {
    const std::size_t j = std::stoul(column);
    print_line("categories",
               (names.empty() ? "column " + column : names[j].get<std::string>()) + ": " + list_words(list));
  }
  std::string trees = std::to_string(number("trees")) + ", " + count_words(number("nodes"), "node");
  if (number("iterations") != 0)
    trees += ", " + count_words(number("iterations"), "iteration");
  if (!forest["best_iteration"].is_null())
    trees += ", best iteration " + std::to_string(number("best_iteration"));
  print_line("trees", trees);
  if (number("golden_rows") != 0)
    print_line("golden rows", std::to_string(number("golden_rows")));
  const double per_node =
      number("nodes") == 0 ? 0 : static_cast<double>(number("node_bytes")) / static_cast<double>(number("nodes"));
  std::string layout = forest["layout"].get<std::string>() + ", " + fixed_words(per_node, 2) + " bytes a node";
  if (number("dense_levels") != 0)
    layout +=
        "; beside it dense, " + count_words(number("dense_levels"), "level") + ", " + size_words(number("dense_bytes"));
  print_line("layout", layout);
  for (const json& note : forest["layout_notes"])
    print_line("", note.get<std::string>());
  print_line("leaves", number("leaf_rows") == 0
                           ? "inline"
                           : std::to_string(number("leaf_rows")) + " distinct, " + size_words(number("leaf_bytes")));
}

// A line for each, cut where it is long.
void print_attributes(const json& attributes) {
  constexpr std::size_t shown = 12;
  constexpr std::size_t most_bytes = 100;
  if (!attributes.is_object())
    return print_line("attributes", attributes.get<std::string>());
  std::size_t i = 0;
  for (const auto& [name, value] : attributes.items()) {
    if (i == shown) {
      print_line("", "and " + std::to_string(attributes.size() - shown) + " more");
      return;
    }
    std::string line = name + ": " + value.dump(-1, ' ', false, json::error_handler_t::replace);
    if (line.size() > most_bytes) {
      std::size_t end = most_bytes;
      while ((static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) // inside a letter
        --end;
      line = line.substr(0, end) + "...";
    }
    print_line(i++ == 0 ? "attributes" : "", line);
  }
}

void print_for_people(const json& facts) {
  std::cout << facts["path"].get<std::string>() << ": petrify format " << facts["format_version"] << ", "
            << size_words(facts["size_bytes"].get<std::uint64_t>()) << ", written by "
            << facts["producer"].get<std::string>() << '\n';
  for (const json& object : facts["objects"]) {
    const std::string kind = object["kind"].get<std::string>();
    std::cout << "  " << printable(object["name"].get<std::string>()) << ": " << kind << ", "
              << size_words(object["size_bytes"].get<std::uint64_t>()) << '\n';
    if (object.contains("error"))
      print_line("unusable", object["error"].get<std::string>());
    else if (kind == "array")
      print_line("elements", object["dtype"].get<std::string>() + " " +
                                 shape_words(object["shape"].get<std::vector<std::uint64_t>>()) + " " +
                                 object["order"].get<std::string>());
    else if (kind == "forest")
      print_forest(object);
    else if (kind == "value")
      print_line("holds", object["value"].get<std::string>());
    if (object.contains("attributes"))
      print_attributes(object["attributes"]);
    if (object.contains("attributes_error"))
      print_line("attributes", "unusable: " + object["attributes_error"].get<std::string>());
  }
}

int info(const std::string& path, bool as_json) {
  const json facts = describe(file::open(path));
  if (as_json)
    std::cout << facts.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
  else
    print_for_people(facts);
  return 0;
}

} // namespace

void add_info(CLI::App& app, action& chosen) {
  struct info_arguments {
    std::string path;
    bool as_json = false;
  };
  auto arguments = std::make_shared<info_arguments>();
  CLI::App* command = app.add_subcommand("info", "Say what is in a petrify file");
  command->add_option("FILE", arguments->path, "petrify file")->required();
  command->add_flag("--json", arguments->as_json, "for programs");
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return info(arguments->path, arguments->as_json); }; });
}

} // namespace petrify::cli
