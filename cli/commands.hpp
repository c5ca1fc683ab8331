// The subcommands. Each adds itself to the parser; its action runs when the user asks for it and returns the exit
// status: 0 fine, 1 the input is bad. What cannot be done is a petrify::error, which main prints.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace petrify::cli {

// What the chosen subcommand does.
using action = std::function<int()>;

void add_convert(CLI::App& app, action& chosen);
void add_info(CLI::App& app, action& chosen);
void add_verify(CLI::App& app, action& chosen);
void add_predict(CLI::App& app, action& chosen);
void add_bench(CLI::App& app, action& chosen);
void add_extract(CLI::App& app, action& chosen);
void add_store(CLI::App& app, action& chosen);

} // namespace petrify::cli
