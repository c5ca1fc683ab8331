#include "commands.hpp"
#include "progress.hpp"
#include "words.hpp"

#include "base/fail.hpp"
#include "mapping/output_file.hpp"

#include <petrify/npy.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <iostream>
#include <memory>
#include <span>

namespace petrify::cli {

namespace {

struct extract_arguments {
  std::string in;
  std::string name;
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
    for (const auto& [key, entry] : value.entries()) {
      if (!key.as_text())
        refuse(text("has a key that is ", to_string(key.kind())));
      if (!out.emplace(*key.as_text(), to_json(entry)).second)
        refuse(text("has the key ", petrify::quoted(*key.as_text()), " twice"));
    }
    return out;
  }
  }
  return {};
}

int extract_value(const file& from, const extract_arguments& arguments) {
  json out;
  try {
    out = to_json(from.value(arguments.name));
  } catch (const error& failure) {
    throw failure.at(from.path(), text("object ", petrify::quoted(arguments.name)));
  }
  const std::string text_out = out.dump(2) + "\n";
  output_file to(arguments.out);
  to.append(std::as_bytes(std::span(text_out)));
  to.commit();
  std::cout << arguments.out << ": JSON\n";
  return 0;
}

int extract(const extract_arguments& arguments) {
  const file from = file::open(arguments.in);
  for (const object_info& object : from.objects())
    if (object.name == arguments.name && object.kind == "value")
      return extract_value(from, arguments);
  const any_array array = from.array(arguments.name);
  {
    progress_bar bar("writing");
    write_npy(arguments.out, array,
              [&](std::uint64_t done, std::uint64_t total) { bar.update("writing", done, total); });
  }
  std::cout << arguments.out << ": " << to_string(array.type()) << ' ' << shape_words(array.shape()) << '\n';
  return 0;
}

} // namespace

void add_extract(CLI::App& app, action& chosen) {
  auto arguments = std::make_shared<extract_arguments>();
  CLI::App* command = app.add_subcommand("extract", "Write one array of a petrify file as .npy, or one value as JSON");
  command->add_option("FILE", arguments->in, "petrify file")->required();
  command->add_option("NAME", arguments->name, "the name of the array or value")->required();
  command->add_option("OUT", arguments->out, "the .npy or JSON file to write")->required();
  command->callback([&chosen, arguments] { chosen = [arguments] { return extract(*arguments); }; });
}

} // namespace petrify::cli
