#include "golden/answers.hpp"

#include "forest/evaluate.hpp"
#include "forest/kernel_dense.hpp"

#include <petrify/forest.hpp>
#include <petrify/predictor.hpp>
#include <petrify/value.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace petrify::test {

namespace {

// "-0x1.8p+1", "0x0p+0", "nan": any NaN, since which one is not part of the format.
std::string number_text(double x) {
  if (std::isnan(x))
    return "nan";
  if (std::isinf(x))
    return x < 0 ? "-inf" : "inf";
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, std::abs(x), std::chars_format::hex).ptr;
  return (std::signbit(x) ? "-0x" : "0x") + std::string(digits, end);
}
double number_of(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

std::string hex(std::span<const std::byte> bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::byte b : bytes) {
    out += digits[std::to_integer<unsigned>(b) >> 4];
    out += digits[std::to_integer<unsigned>(b) & 15];
  }
  return out.empty() ? "-" : out;
}

// Bytes as they are where they are plain, else escaped.
std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\')
      out += c;
    else
      out += "\\x" + hex(std::as_bytes(std::span(&c, 1)));
  }
  return out + "\"";
}

void dump_value(std::ostream& out, const value_view& value) {
  out << to_string(value.kind());
  switch (value.kind()) {
  case value_kind::null: break;
  case value_kind::boolean: out << ' ' << (*value.as_bool() ? "true" : "false"); break;
  case value_kind::integer: out << ' ' << *value.as_int(); break;
  case value_kind::real: out << ' ' << number_text(*value.as_real()); break;
  case value_kind::text: out << ' ' << quote(*value.as_text()); break;
  case value_kind::bytes:
  case value_kind::big_integer: out << ' ' << hex(*value.as_bytes()); break;
  case value_kind::list:
    out << " [";
    for (const value_view element : value.elements())
      dump_value(out << ' ', element);
    out << " ]";
    break;
  case value_kind::dict:
    out << " {";
    for (const auto& [key, element] : value.entries()) {
      dump_value(out << ' ', key);
      dump_value(out << " : ", element);
    }
    out << " }";
    break;
  }
}

// A line of its own; none where there are none, as in files from before there were any.
void dump_attributes(std::ostream& out, const value_view& attributes) {
  if (attributes.size() == 0)
    return;
  dump_value(out << "  attributes: ", attributes);
  out << '\n';
}

void dump_array(std::ostream& out, const any_array& array) {
  out << to_string(array.type()) << (array.order() == axis_order::row_major ? " row_major (" : " column_major (");
  for (const std::uint64_t length : array.shape())
    out << ' ' << length;
  out << " ) " << array.item_size_bytes() << " :";
  if (array.type() != dtype::string) {
    out << ' ' << hex(array.bytes());
    return;
  }
  const string_array texts = array.strings();
  for (std::uint64_t i = 0; i < texts.size(); ++i)
    out << ' ' << quote(texts[i]);
}

template <class Texts>
void dump_texts(std::ostream& out, const char* what, const Texts& texts) {
  out << "  " << what << ':';
  for (const std::string_view one : texts)
    out << ' ' << quote(one);
  out << '\n';
}

void dump_forest(std::ostream& out, const forest& of) {
  out << "forest\n";
  out << "  task: " << to_string(of.task()) << '\n';
  dump_texts(out, "origin",
             std::array<std::string_view, 4>{of.library(), of.library_version(), of.model_class(), of.objective()});
  out << "  columns: " << of.num_columns() << '\n';
  dump_texts(out, "column names", of.column_names());
  dump_texts(out, "column types", of.column_types());
  for (const category_names& names : of.data().dictionaries)
    dump_texts(out, ("categories of column " + std::to_string(names.column)).c_str(), names.names);
  out << "  trees: " << of.num_trees() << ", iterations " << of.num_iterations() << ", best "
      << (of.best_iteration() ? std::to_string(*of.best_iteration()) : "none") << ", golden rows "
      << of.num_golden_rows() << '\n';
  out << "  scores: " << to_string(of.score_type()) << '\n';
  for (std::size_t o = 0; o < of.num_outputs(); ++o) {
    const class_labels labels = of.labels(o);
    out << "  output " << o << ": " << to_string(labels.size() == 0 ? of.value_type(o) : labels.type());
    for (std::size_t i = 0; i < labels.size(); ++i)
      out << ' ' << labels.as_int(i) << '/' << number_text(labels.as_real(i)) << '/' << quote(labels.as_text(i));
    out << '\n';
  }
  const forest_data& data = of.data();
  out << "  layout: " << of.layout() << ", slot bits " << unsigned{data.slot_bits} << ", blocks of "
      << (1u << data.block_shift) << ", nodes " << data.num_nodes << ", dense levels " << data.dense.levels
      << ", rows of leaves " << data.num_leaf_rows << '\n';
  dump_texts(out, "layout notes", of.layout_notes());
}

// Whether one of the operations computes with a function of the platform.
bool uses_platform(std::span<const epilogue_entry> operations) {
  return std::any_of(operations.begin(), operations.end(), [](const epilogue_entry& e) {
    switch (e.op) {
    case epilogue_op::sigmoid:
    case epilogue_op::softmax:
    case epilogue_op::exp:
    case epilogue_op::isolation_score:
    case epilogue_op::bounded_sigmoid:
    case epilogue_op::softmax_wide_sum:
    case epilogue_op::softmax_by_logarithm:
    case epilogue_op::log1p_exp:
    case epilogue_op::softplus_gaps: return true;
    default: return false;
    }
  });
}

struct row_results {
  std::vector<double> raw;
  std::vector<double> final;
  std::vector<std::uint32_t> classes;
  std::vector<std::uint32_t> leaves;

  row_results(const forest& of, std::size_t num_rows)
      : raw(num_rows * of.output_width(output::raw)), final(num_rows * of.output_width(output::proba)),
        classes(of.data().is_classifier() ? num_rows * of.num_outputs() : 0), leaves(num_rows * of.num_trees()) {}
};

template <class T>
rows matrix_of(const forest& of, const std::vector<T>& x) {
  return {x.data(), of.num_columns() == 0 ? 0 : x.size() / of.num_columns(), of.num_columns()};
}

row_answers text_of(const forest& of, const row_results& results, std::size_t num_rows) {
  const forest_data& data = of.data();
  const std::span<const epilogue_entry> operations(data.epilogue);
  const bool raw_is_near = uses_platform(operations.first(data.num_raw_ops));
  const bool final_is_near = uses_platform(operations);
  row_answers out;
  const auto add = [&](std::string line, const auto& all, std::size_t row, const auto& text) {
    const std::size_t width = all.size() / num_rows;
    for (std::size_t i = row * width; i < (row + 1) * width; ++i)
      line += ' ' + text(all[i]);
    out.lines.push_back(line);
  };
  const auto integer_text = [](std::uint32_t i) { return std::to_string(i); };
  for (std::size_t row = 0; row < num_rows; ++row) {
    add(raw_is_near ? "raw~" : "raw", results.raw, row, number_text);
    add(final_is_near ? "final~" : "final", results.final, row, number_text);
    if (!results.classes.empty())
      add("class", results.classes, row, integer_text);
    add("leaves", results.leaves, row, integer_text);
  }
  return out;
}

const char* type_name(const row_values& x) {
  static const char* const names[] = {"float32", "float64", "int64"};
  return names[x.index()];
}

// A row with its values that are not +0: most of a wide one's are.
template <class T>
std::string row_text(const T* begin, std::size_t num_columns) {
  const std::span<const T> row(begin, num_columns);
  std::string line = "x";
  for (std::size_t i = 0; i < row.size(); ++i) {
    if constexpr (std::is_integral_v<T>) {
      if (row[i] != 0)
        line += ' ' + std::to_string(i) + ':' + std::to_string(row[i]);
    } else if (row[i] != 0 || std::signbit(row[i])) {
      line += ' ' + std::to_string(i) + ':' + number_text(static_cast<double>(row[i]));
    }
  }
  return line;
}

template <class T>
T value_of(const std::string& text) {
  if constexpr (std::is_integral_v<T>)
    return std::strtoll(text.c_str(), nullptr, 10);
  else
    return static_cast<T>(number_of(text));
}

template <class T>
row_values read_rows(std::span<const std::string> lines, std::size_t num_rows, std::size_t num_columns) {
  std::vector<T> out(num_rows * num_columns);
  std::size_t row = 0;
  for (std::size_t i = 0; i < lines.size() && row < num_rows; ++i) {
    if (!lines[i].starts_with("x"))
      continue;
    std::istringstream words(lines[i].substr(1));
    for (std::string word; words >> word;) {
      const std::size_t colon = word.find(':');
      out.at(row * num_columns + std::stoul(word.substr(0, colon))) = value_of<T>(word.substr(colon + 1));
    }
    ++row;
  }
  if (row != num_rows)
    throw std::runtime_error("a page has fewer rows than it says");
  return out;
}

bool is_near(double a, double b, double tolerance) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
}

// Whether a number is a float32, of which fewer bits can be expected.
bool is_narrow(double x) { return static_cast<double>(static_cast<float>(x)) == x; }

} // namespace

std::vector<const kernel*> kernels_for(const forest_data& forest) {
  std::vector<const kernel*> out{&reference_kernel, &interleaved_kernel};
  if (has_dense_kernels(forest))
    for (const kernel* one : dense_kernels())
      out.push_back(one);
  return out;
}

std::string facts_of(const file& from) {
  std::ostringstream out;
  for (const object_info& object : from.objects()) {
    out << "object " << quote(object.name) << ", " << object.num_segments << " segments, " << object.size_bytes
        << " bytes: ";
    if (object.kind == "forest") {
      dump_forest(out, from.forest(object.name));
      dump_attributes(out, from.attributes(object.name));
      continue;
    }
    out << object.kind << ' ';
    if (object.kind == "array")
      dump_array(out, from.array(object.name));
    if (object.kind == "value")
      dump_value(out, from.value(object.name));
    if (object.kind == "record")
      out << hex(from.record_bytes(object.name));
    out << '\n';
    dump_attributes(out, from.attributes(object.name));
  }
  return out.str();
}

row_answers answers_by(const kernel& with, const forest& of, const row_values& x) {
  return std::visit(
      [&](const auto& values) {
        const rows matrix = matrix_of(of, values);
        const std::size_t count = matrix.num_rows();
        evaluator by(of.data(), count, with);
        row_results out(of, count);
        by.numbers(matrix, 0, count, output::raw, out.raw.data());
        by.numbers(matrix, 0, count, output::proba, out.final.data());
        if (!out.classes.empty())
          by.classes(matrix, 0, count, out.classes.data());
        by.leaves(matrix, 0, count, out.leaves.data());
        return text_of(of, out, count);
      },
      x);
}

row_answers answers_of_batch(const forest& of, const row_values& x) {
  return std::visit(
      [&](const auto& values) {
        const rows matrix = matrix_of(of, values);
        row_results out(of, matrix.num_rows());
        out.raw = of.predict_raw(matrix);
        out.final = of.predict_proba(matrix);
        if (!out.classes.empty())
          out.classes = of.predict_class(matrix);
        out.leaves = of.apply(matrix);
        return text_of(of, out, matrix.num_rows());
      },
      x);
}

row_answers answers_of_predictor(const forest& of, const row_values& x) {
  return std::visit(
      [&](const auto& values) {
        const std::size_t count = matrix_of(of, values).num_rows();
        row_results out(of, count);
        predictor by(of);
        bool took_all = true;
        for (std::size_t i = 0; i < count; ++i) {
          const auto one = std::span{values}.subspan(i * of.num_columns(), of.num_columns());
          const row_view row(one);
          const auto part = [&](auto& all) {
            const std::size_t width = all.size() / count;
            return std::span(all).subspan(i * width, width);
          };
          took_all &= by.predict_raw(row, part(out.raw)) && by.predict_proba(row, part(out.final)) &&
                      by.apply(row, part(out.leaves));
          if (!out.classes.empty())
            took_all &= by.predict_class(row, part(out.classes));
        }
        if (!took_all)
          throw std::runtime_error("a predictor refused a row");
        return text_of(of, out, count);
      },
      x);
}

std::string page_of(const file& from, const rows_by_forest& x) {
  std::string page = facts_of(from);
  for (const auto& [name, all] : x) {
    const forest of = from.forest(name);
    for (const row_values& values : all) {
      const row_answers answers = answers_by(reference_kernel, of, values);
      std::visit(
          [&](const auto& one) {
            const std::size_t columns = of.num_columns();
            const std::size_t count = one.size() / columns;
            page += "rows " + name + ' ' + type_name(values) + ' ' + std::to_string(count) + ' ' +
                    std::to_string(columns) + '\n';
            const std::size_t lines = answers.lines.size() / count;
            for (std::size_t i = 0; i < count; ++i) {
              page += row_text(one.data() + i * columns, columns) + '\n';
              for (std::size_t k = 0; k < lines; ++k)
                page += answers.lines[i * lines + k] + '\n';
            }
          },
          values);
    }
  }
  return page;
}

rows_by_forest rows_of(const std::string& page) {
  rows_by_forest out;
  const std::vector<std::string> lines = lines_of(page);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::istringstream words(lines[i]);
    std::string word;
    std::string name;
    std::string type;
    std::size_t count = 0;
    std::size_t columns = 0;
    if (!(words >> word) || word != "rows" || !(words >> name >> type >> count >> columns))
      continue;
    const std::span<const std::string> behind = std::span<const std::string>(lines).subspan(i + 1);
    out[name].push_back(type == "float32"   ? read_rows<float>(behind, count, columns)
                        : type == "float64" ? read_rows<double>(behind, count, columns)
                                            : read_rows<std::int64_t>(behind, count, columns));
  }
  return out;
}

bool same_answer(const std::string& expected, const std::string& seen) {
  if (expected == seen)
    return true;
  if (!expected.starts_with("raw~ ") && !expected.starts_with("final~ "))
    return false;
  std::istringstream a(expected);
  std::istringstream b(seen);
  std::string x;
  std::string y;
  if (!(a >> x) || !(b >> y) || x != y)
    return false;
  while (a >> x) {
    if (!(b >> y))
      return false;
    const double want = number_of(x);
    const double got = number_of(y);
    if (!is_near(want, got, is_narrow(want) ? 1e-6 : 1e-13))
      return false;
  }
  return !(b >> y);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

} // namespace petrify::test
