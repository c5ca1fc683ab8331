#include "commands.hpp"
#include "progress.hpp"
#include "words.hpp"

#include <iostream>
#include <memory>

namespace petrify::cli {

namespace {

int verify_file(const std::string& path) {
  std::vector<error> faults;
  {
    progress_bar bar("verifying");
    faults = verify(path, {}, [&](std::uint64_t done, std::uint64_t total) { bar.update("verifying", done, total); });
  }
  for (const error& fault : faults)
    std::cerr << "petrify: " << fault.what() << '\n';
  if (!faults.empty())
    return 1;
  const file sound = file::open(path);
  std::cout << path << ": sound, " << count_words(sound.objects().size(), "object") << ", "
            << size_words(sound.size_bytes()) << '\n';
  return 0;
}

} // namespace

void add_verify(CLI::App& app, action& chosen) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("verify", "Check every byte of a petrify file and print every fault");
  command->add_option("FILE", *path, "petrify file")->required();
  command->callback([&chosen, path] { chosen = [path] { return verify_file(*path); }; });
}

} // namespace petrify::cli
