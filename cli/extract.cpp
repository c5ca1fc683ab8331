#include "commands.hpp"
#include "progress.hpp"
#include "words.hpp"

#include <petrify/npy.hpp>

#include <iostream>
#include <memory>

namespace petrify::cli {

namespace {

struct extract_arguments {
  std::string in;
  std::string name;
  std::string out;
};

int extract(const extract_arguments& arguments) {
  const file from = file::open(arguments.in);
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
  CLI::App* command = app.add_subcommand("extract", "Write one array of a petrify file as .npy");
  command->add_option("FILE", arguments->in, "petrify file")->required();
  command->add_option("NAME", arguments->name, "the array's name")->required();
  command->add_option("OUT", arguments->out, "the .npy file to write")->required();
  command->callback([&chosen, arguments] { chosen = [arguments] { return extract(*arguments); }; });
}

} // namespace petrify::cli
