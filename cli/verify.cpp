#include "commands.hpp"
#include "progress.hpp"
#include "words.hpp"

#include <petrify/thread_pool.hpp>

#include <iostream>
#include <memory>

namespace petrify::cli {

namespace {

int verify_file(const std::string& path, unsigned threads) {
  std::vector<error> faults;
  {
    progress_bar bar("verifying");
    thread_pool pool(threads);
    faults = verify(
        path, {}, [&](std::uint64_t done, std::uint64_t total) { bar.update("verifying", done, total); }, pool);
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
  struct verify_arguments {
    std::string path;
    unsigned threads = 0;
  };
  auto arguments = std::make_shared<verify_arguments>();
  CLI::App* command = app.add_subcommand("verify", "Check every byte of a petrify file and print every fault");
  command->add_option("FILE", arguments->path, "petrify file")->required();
  command->add_option("--threads", arguments->threads, "threads to check on; as many as the machine has by default")
      ->check(CLI::Range(1u, 1024u));
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return verify_file(arguments->path, arguments->threads); }; });
}

} // namespace petrify::cli
