// What all dense kernels share; included inside a target region, before what knows the vectors of that target.

// Rows whose bytes lie side by side.
constexpr std::size_t chunk_rows = 64;
// Of memory that vectors are loaded from and stored to.
constexpr std::size_t vector_alignment = 64;
