// SPDX-License-Identifier: Apache-2.0
#include "measure/replay/evidence.hpp"

#include "measure/replay/pcrs.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace measure {
namespace {

std::string to_string(const std::vector<std::byte>& bytes) {
    std::string text(bytes.size(), '\0');
    std::transform(bytes.begin(), bytes.end(), text.begin(),
                   [](std::byte b) { return static_cast<char>(b); });
    return text;
}

LoadError malformed(const std::filesystem::path& path, const std::string& what) {
    return {false, path.string() + ": " + what};
}

}  // namespace

hv::Result<std::vector<std::byte>, LoadError> read_file(const std::filesystem::path& path,
                                                        std::string_view expected) {
    std::ifstream file{path, std::ios::binary};
    std::vector<std::byte> bytes;
    std::transform(std::istreambuf_iterator<char>{file}, {}, std::back_inserter(bytes),
                   [](char c) { return static_cast<std::byte>(c); });
    if (!file.is_open() || file.bad() || std::filesystem::is_directory(path)) {
        return hv::Err{
            LoadError{true, path.string() + ": cannot be read: expected " + std::string{expected}}};
    }
    return bytes;
}

hv::Result<RawLog, LoadError> load_log(const std::filesystem::path& path) {
    auto log = RawLog::parse(TRY(read_file(path, "an event log")));
    if (!log.ok()) {
        return hv::Err{malformed(path, "byte " + std::to_string(log.error().offset) + ": " +
                                           std::string{to_text(log.error().fault)})};
    }
    return log.take();
}

hv::Result<PcrValues, LoadError> load_pcrs(const std::filesystem::path& path) {
    auto pcrs =
        pcrs_from_text(to_string(TRY(read_file(path, "the PCRs, as lines `bank index hex`"))));
    if (!pcrs.ok()) {
        return hv::Err{malformed(path, pcrs.error())};
    }
    return pcrs.take();
}

hv::Result<ReferenceValues, LoadError> load_reference(const std::filesystem::path& path) {
    auto reference = reference_from_json(
        to_string(TRY(read_file(path, "the reference.json of `gantry build`"))));
    if (!reference.ok()) {
        return hv::Err{malformed(path, reference.error())};
    }
    return reference.take();
}

}  // namespace measure
