// A program without exceptions and run-time type information: reasons come as values.
#include <petrify/petrify.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  std::optional<petrify::error> why;
  if (petrify::file::try_open("no such file", why) || !why || why->code() != petrify::errc::io)
    return 2;
  const std::optional<petrify::file> file = petrify::file::try_open(argv[argc - 1], why);
  if (!file)
    return 3;
  if (file->try_forest("no such forest", why) || why->code() != petrify::errc::not_found)
    return 4;
  const std::optional<petrify::forest> forest = file->try_forest("model", why);
  if (!forest)
    return 5;
  petrify::predictor fast(*forest);
  const double row[] = {6.1, 2.8, 4.7, 1.2};
  double label[1];
  if (!fast.predict(row, label))
    return 6;
  std::printf("%g\n", label[0]);
}
