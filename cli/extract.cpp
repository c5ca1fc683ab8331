#include "commands.hpp"
#include "progress.hpp"
#include "words.hpp"

#include "base/fail.hpp"
#include "mapping/output_file.hpp"

#include <petrify/npy.hpp>
#include <petrify/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace petrify::cli {

namespace {

struct extract_arguments {
  std::string in;
  std::vector<std::string> names;
  std::string out;
};

using json = nlohmann::ordered_json;

// A value as JSON, which has no bytes, no keys but texts, no integers beyond 64 bits and no infinities.
json to_json(const value_view& value) {
  const auto refuse = [](const std::string& what) {
    fail(errc::unsupported, {}, what, ", which JSON has no form for");
  };
  switch (value.kind()) {
  case value_kind::null: return nullptr;
  case value_kind::boolean: return *value.as_bool();
  case value_kind::integer: return *value.as_int();
  case value_kind::real:
    if (!std::isfinite(*value.as_real()))
      refuse(text("holds ", *value.as_real()));
    return *value.as_real();
  case value_kind::text: return *value.as_text();
  case value_kind::bytes: refuse("holds bytes"); break;
  case value_kind::big_integer: refuse("holds an integer beyond 64 bits"); break;
  case value_kind::list: {
    json out = json::array();
    for (const value_view element : value.elements())
      out.push_back(to_json(element));
    return out;
  }
  case value_kind::dict: {
    json out = json::object();
    // Its own emplace looks through all the keys there are.
    auto& entries = out.get_ref<json::object_t&>();
    std::unordered_set<std::string_view> seen;
    for (const auto& [key, entry] : value.entries()) {
      if (!key.as_text())
        refuse(text("has a key that is ", to_string(key.kind())));
      if (!seen.insert(*key.as_text()).second)
        refuse(text("has the key ", petrify::quoted(*key.as_text()), " twice"));
      entries.emplace_back(std::string(*key.as_text()), to_json(entry));
    }
    return out;
  }
  }
  return {};
}

// A line for an object with attributes, for which none of the formats has a place. Unusable ones are left out too.
void say_attributes_left_out(const file& from, std::string_view name) {
  std::optional<error> why;
  const auto attributes = from.try_attributes(name, why);
  if (!attributes || attributes->size() != 0)
    std::cout << printable(name) << ": left out: its attributes\n";
}

int extract_value(const file& from, const std::string& name, const std::string& to_path) {
  json out;
  try {
    out = to_json(from.value(name));
  } catch (const error& failure) {
    throw failure.at(from.path(), text("object ", petrify::quoted(name)));
  }
  const std::string text_out = out.dump(2) + "\n";
  output_file to(to_path);
  to.append(std::as_bytes(std::span(text_out)));
  to.commit();
  say_attributes_left_out(from, name);
  std::cout << to_path << ": JSON\n";
  return 0;
}

// One array as .npy, or one value as JSON.
int extract_one(const file& from, const extract_arguments& arguments) {
  const std::vector<object_info> objects = from.objects();
  if (arguments.names.size() > 1)
    throw error(errc::invalid_argument, arguments.out, {},
                text(arguments.names.size(), " objects, expected one, or a file that ends with .npz or .safetensors"));
  if (arguments.names.empty() && objects.size() != 1)
    throw error(errc::invalid_argument, arguments.out, {},
                text("the file has ", objects.size(),
                     " objects, expected the name of one, or a file that ends with .npz or .safetensors"));
  const std::string name = arguments.names.empty() ? objects.front().name : arguments.names.front();
  for (const object_info& object : objects)
    if (object.name == name && object.kind == "value")
      return extract_value(from, name, arguments.out);
  const any_array array = from.array(name);
  {
    progress_bar bar("writing");
    write_npy(arguments.out, array,
              [&](std::uint64_t done, std::uint64_t total) { bar.update("writing", done, total); });
  }
  say_attributes_left_out(from, name);
  std::cout << arguments.out << ": " << to_string(array.type()) << ' ' << shape_words(array.shape()) << '\n';
  return 0;
}

// The value of this name, or behind what all tensors' names begin with ("NAME/", from convert --name), goes where
// safetensors has texts of its own.
constexpr std::string_view metadata_name = "__metadata__";

bool is_metadata_of(std::string_view name, std::span<const named_array> arrays) {
  if (!name.ends_with(metadata_name))
    return false;
  const std::string_view start = name.substr(0, name.size() - metadata_name.size());
  if (!start.empty() && !start.ends_with('/'))
    return false;
  for (const named_array& one : arrays)
    if (!one.name.starts_with(start))
      return false;
  return true;
}

safetensors_metadata metadata_of(const file& from, std::string_view name) {
  safetensors_metadata out;
  const value_view value = from.value(name);
  for (const auto& [key, entry] : value.entries()) {
    if (!key.as_text() || !entry.as_text())
      throw error(errc::unsupported, from.path(), text("object ", petrify::quoted(name)),
                  text("holds ", value_words(value, 40), ", expected a dict of texts, which safetensors can have"));
    out.emplace_back(*key.as_text(), *entry.as_text());
  }
  if (value.kind() != value_kind::dict)
    throw error(errc::unsupported, from.path(), text("object ", petrify::quoted(name)),
                text("is ", to_string(value.kind()), ", expected a dict of texts, which safetensors can have"));
  return out;
}

// The arrays of these names, or all there are, as .npz or .safetensors.
int extract_many(const file& from, const extract_arguments& arguments, bool as_safetensors) {
  std::vector<named_array> arrays;
  std::vector<object_info> others;
  const auto is_asked_for = [&](const object_info& object) {
    return arguments.names.empty() || std::ranges::find(arguments.names, object.name) != arguments.names.end();
  };
  const auto may_be_metadata = [&](const object_info& object) {
    return as_safetensors && object.kind == "value" && is_metadata_of(object.name, {});
  };
  for (const object_info& object : from.objects())
    if (object.kind != "array" && is_asked_for(object) && (arguments.names.empty() || may_be_metadata(object)))
      others.push_back(object);
    else if (object.kind == "array" && arguments.names.empty())
      arrays.push_back({object.name, from.array(object.name)});
  for (const std::string& name : arguments.names)
    if (std::ranges::find(others, name, &object_info::name) == others.end())
      arrays.push_back({name, from.array(name)});
  // The one in front of all names comes first.
  std::optional<std::string> texts_from;
  for (const object_info& object : others)
    if (may_be_metadata(object) && is_metadata_of(object.name, arrays) &&
        (!texts_from || object.name.size() < texts_from->size()))
      texts_from = object.name;
  std::optional<safetensors_metadata> metadata;
  if (texts_from)
    metadata = metadata_of(from, *texts_from);
  std::erase_if(others, [&](const object_info& object) { return object.name == texts_from; });
  if (arrays.empty() && !others.empty())
    throw error(errc::not_found, from.path(), {}, "the file has no array");
  {
    progress_bar bar("writing");
    const auto progress = [&](std::uint64_t done, std::uint64_t total) { bar.update("writing", done, total); };
    if (as_safetensors)
      write_safetensors(arguments.out, arrays, metadata, progress);
    else
      write_npz(arguments.out, arrays, progress);
  }
  for (const named_array& one : arrays)
    std::cout << printable(one.name) << ": " << to_string(one.array.type()) << ' ' << shape_words(one.array.shape())
              << '\n';
  for (const named_array& one : arrays)
    say_attributes_left_out(from, one.name);
  if (texts_from)
    say_attributes_left_out(from, *texts_from);
  for (const object_info& object : others)
    std::cout << printable(object.name) << ": left out, as it is a " << object.kind << '\n';
  std::cout << arguments.out << ": " << count_words(arrays.size(), "array") << ", "
            << size_words(std::filesystem::file_size(arguments.out)) << '\n';
  return 0;
}

int extract(const extract_arguments& arguments) {
  std::error_code none;
  if (std::filesystem::equivalent(arguments.in, arguments.out, none))
    throw error(errc::invalid_argument, arguments.out, {}, "is the file that is read, expected another one to write");
  const file from = file::open(arguments.in);
  const bool as_safetensors = arguments.out.ends_with(".safetensors");
  if (as_safetensors || arguments.out.ends_with(".npz"))
    return extract_many(from, arguments, as_safetensors);
  return extract_one(from, arguments);
}

} // namespace

void add_extract(CLI::App& app, action& chosen) {
  auto arguments = std::make_shared<extract_arguments>();
  CLI::App* command =
      app.add_subcommand("extract", "Write arrays of a petrify file as .npy, .npz or .safetensors, or a value as JSON");
  command->add_option("FILE", arguments->in, "petrify file")->required();
  command->add_option("NAME", arguments->names,
                      "names of arrays, or of one value; none: all arrays (.npz, .safetensors), or the only object");
  command
      ->add_option("OUT", arguments->out,
                   "the file to write: its ending, .npz or .safetensors, says so; else one array as .npy or one value "
                   "as JSON")
      ->required();
  command->positionals_at_end();
  command->callback([&chosen, arguments] { chosen = [arguments] { return extract(*arguments); }; });
}

} // namespace petrify::cli
