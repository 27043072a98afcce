// SPDX-License-Identifier: Apache-2.0
// main() of a fuzz entry where there is no fuzzer: gives it every file of the corpus folders that
// are its arguments, each prefix of the small ones, and a fixed sequence of mutations.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t max_prefixes = 2000;
constexpr size_t mutations_per_file = 200;

using Bytes = std::vector<uint8_t>;

void run(const Bytes& bytes) {
    // A copy of exact size, so that the sanitizer sees every read past its end.
    const Bytes exact{bytes};
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

Bytes read(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return Bytes{std::istreambuf_iterator<char>{file}, {}};
}

void run_prefixes(const Bytes& bytes) {
    const size_t step = bytes.size() / max_prefixes + 1;
    for (size_t count = 0; count < bytes.size(); count += step) {
        run(Bytes{bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count)});
    }
}

void run_mutations(const Bytes& bytes, std::mt19937& random) {
    for (size_t i = 0; i < mutations_per_file && !bytes.empty(); ++i) {
        Bytes mutated{bytes};
        const size_t changes = 1 + random() % 8;
        for (size_t change = 0; change < changes; ++change) {
            mutated[random() % mutated.size()] = static_cast<uint8_t>(random());
        }
        run(mutated);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::directory_iterator{argv[i]}) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::mt19937 random{1};
    run({});
    for (const auto& file : files) {
        const Bytes bytes = read(file);
        run(bytes);
        run_prefixes(bytes);
        run_mutations(bytes, random);
    }
    std::cout << "replayed " << files.size() << " files\n";
    return files.empty() ? 1 : 0;
}
