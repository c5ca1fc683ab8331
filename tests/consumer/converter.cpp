#include <petrify/import.hpp>

int main(int, char** argv) {
  petrify::writer out(argv[2]);
  petrify::import_file(argv[1], out);
  out.commit();
}
