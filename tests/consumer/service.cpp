#include <petrify/petrify.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  const petrify::file file = petrify::file::open(argv[argc - 1]);
  const petrify::forest forest = file.forest("model");
  petrify::predictor fast(forest);
  const double row[] = {6.1, 2.8, 4.7, 1.2};
  double label[1];
  if (!fast.predict(row, label))
    return 1;
  std::printf("%g\n", label[0]);
}
