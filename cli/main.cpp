#include "commands.hpp"

#include <petrify/error.hpp>
#include <petrify/version.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <new>

namespace {

constexpr int exit_bad_input = 1;
constexpr int exit_usage = 2;

} // namespace

int main(int argc, char** argv) {
  CLI::App app("petrify: trained models and large arrays in files that are used in place", "petrify");
  app.set_version_flag("--version", "petrify " PETRIFY_VERSION_STRING);
  app.require_subcommand(1);
  petrify::cli::action chosen;
  petrify::cli::add_convert(app, chosen);
  petrify::cli::add_info(app, chosen);
  petrify::cli::add_verify(app, chosen);
  petrify::cli::add_predict(app, chosen);
  petrify::cli::add_bench(app, chosen);
  petrify::cli::add_extract(app, chosen);
  petrify::cli::add_store(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    // Prints help and version on stdout, everything else on stderr.
    return app.exit(failure) == 0 ? 0 : exit_usage;
  }
  try {
    const int status = chosen();
    // A full disk behind `> labels.txt` shows only now.
    std::cout.flush();
    if (std::cout.good())
      return status;
    std::fprintf(stderr, "petrify: standard output: could not be written\n");
  } catch (const petrify::error& failure) {
    std::fprintf(stderr, "petrify: %s\n", failure.what());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "petrify: out of memory\n");
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "petrify: %s\n", failure.what());
  }
  return exit_bad_input;
}
