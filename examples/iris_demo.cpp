// The notebook's last lines, without Python: predicts its test rows from the mapped file, prints the labels as numpy
// prints them, and compares them and the probabilities with what scikit-learn itself answered.
//     iris_demo iris.stone FOLDER     with FOLDER/X_test.npy, labels.npy, probabilities.npy
#include <petrify/npy.hpp>
#include <petrify/petrify.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

// "[1 0 2 ... 1\n 0]": numpy breaks lines at 75 characters.
std::string numpy_text(const std::vector<double>& labels) {
  std::string out;
  std::string line = "[";
  for (const double label : labels) {
    const std::string word = std::to_string(static_cast<long>(label));
    if (line.size() + word.size() > 74) {
      out += line.substr(0, line.size() - 1) + "\n";
      line = " ";
    }
    line += word + " ";
  }
  line.back() = ']';
  return out + line;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: iris_demo FILE.stone FOLDER\n");
    return 2;
  }
  const std::string folder = argv[2];
  const auto file = petrify::file::open(argv[1]);
  const auto forest = file.forest("model");
  const petrify::npy_file x(folder + "/X_test.npy");
  const petrify::rows rows(x.array().as<double>());

  const std::vector<double> labels = forest.predict(rows);
  std::printf("%s\n", numpy_text(labels).c_str());

  const petrify::npy_file origin_labels(folder + "/labels.npy");
  const petrify::npy_file origin_probabilities(folder + "/probabilities.npy");
  const auto wanted_labels = origin_labels.array().as<std::int64_t>().elements();
  const auto wanted = origin_probabilities.array().as<double>().elements();
  const std::vector<double> probabilities = forest.predict_proba(rows);
  const bool labels_equal = std::equal(labels.begin(), labels.end(), wanted_labels.begin(), wanted_labels.end());
  const bool bits_equal =
      std::equal(probabilities.begin(), probabilities.end(), wanted.begin(), wanted.end(),
                 [](double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); });
  std::printf("%zu labels %s scikit-learn's; %zu probabilities %s scikit-learn's bit for bit\n", labels.size(),
              labels_equal ? "equal" : "DIFFER from", probabilities.size(), bits_equal ? "equal" : "DIFFER from");
  return labels_equal && bits_equal ? 0 : 1;
} catch (const petrify::error& failure) {
  std::fprintf(stderr, "iris_demo: %s\n", failure.what());
  return 1;
}
