// make_seeds FOLDER: the sample files, one folder for each target that reads petrify files.
#include "support/sample_files.hpp"

#include <cstdio>
#include <filesystem>

int main(int argc, char** argv) try {
  if (argc != 2)
    return 2;
  for (const petrify::test::sample_file& sample : petrify::test::sample_files()) {
    const std::filesystem::path path = std::filesystem::path(argv[1]) / (sample.name + ".stone");
    std::filesystem::create_directories(path.parent_path());
    petrify::writer out(path.string());
    sample.fill(out);
    out.commit();
  }
} catch (const std::exception& failure) {
  std::fprintf(stderr, "make_seeds: %s\n", failure.what());
  return 1;
}
