// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/boot_output.hpp"

#include <algorithm>
#include <array>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <system_error>
#include <utility>

namespace images {

namespace {

constexpr std::array own_streams{"firmware", "hv", "record"};
constexpr const char* registers_file = "registers.txt";
constexpr std::string_view mark_prefix = "gantry-";

bool is_own(std::string_view stream) {
    return std::find(own_streams.begin(), own_streams.end(), stream) != own_streams.end();
}

}  // namespace

std::string safe_file_name(std::string_view name) {
    std::string safe;
    for (const char c : name.substr(0, 100)) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '+' ||
                              (c == '.' && !safe.empty());
        safe += is_plain ? c : '_';
    }
    return safe.empty() ? "_" : safe;
}

Outcome<BootOutput> BootOutput::create(const std::filesystem::path& directory, Options options) {
    std::error_code error;
    for (const char* folder : {"console", "evidence"}) {
        std::filesystem::remove_all(directory / folder, error);
        std::filesystem::create_directories(directory / folder, error);
        if (error) {
            return hv::Err{Failure{(directory / folder).string() + ": " + error.message()}};
        }
    }
    for (const char* stream : own_streams) {
        std::filesystem::remove(directory / (std::string{stream} + ".log"), error);
    }
    std::filesystem::remove(directory / registers_file, error);
    return BootOutput{directory, options};
}

BootOutput::Log& BootOutput::log_of(std::string_view stream) {
    const auto found = logs_.find(stream);
    if (found != logs_.end()) {
        return found->second;
    }
    const std::string name = safe_file_name(stream) + ".log";
    const auto path = is_own(stream) ? directory_ / name : directory_ / "console" / name;
    Log log{.file = std::ofstream{path, std::ios::binary | std::ios::app}};
    return logs_.emplace(stream, std::move(log)).first->second;
}

void BootOutput::on_bytes(std::string_view stream, std::string_view bytes) {
    Log& log = log_of(stream);
    const size_t room = max_log_bytes - std::min(log.bytes, max_log_bytes);
    log.file.write(bytes.data(), static_cast<std::streamsize>(std::min(room, bytes.size())));
    log.file.flush();  // somebody may follow it
    log.bytes += bytes.size();
}

void BootOutput::on_line(std::string_view stream, std::string_view line) {
    Log& log = log_of(stream);
    if (line.starts_with(mark_prefix)) {
        keep_mark(log, stream, line);
    }
    if (options_.lines == nullptr || (stream == "firmware" && !options_.firmware) ||
        log.lines > options_.lines_per_stream) {
        return;
    }
    const bool is_cut = log.lines++ == options_.lines_per_stream;
    std::ostringstream head;
    head << std::left << std::setw(10) << printable(stream) << "| ";
    write_rows(*options_.lines, head.str(), is_cut ? "..." : line);
    options_.lines->flush();
}

void BootOutput::write_rows(std::ostream& to, const std::string& head,
                            std::string_view text) const {
    constexpr size_t narrowest = 20;
    if (options_.columns == 0) {
        to << head << printable(text) << '\n';
        return;
    }
    const size_t width = std::max(options_.columns, head.size() + narrowest) - head.size();
    const std::string further = std::string(head.size() - 2, ' ') + "+ ";
    bool is_first = true;
    for (const std::string& row : to_rows(printable(text), width)) {
        to << (std::exchange(is_first, false) ? head : further) << row << '\n';
    }
}

// Each stream has its own limits: a domain that writes nothing but marks hides nobody else's.
void BootOutput::keep_mark(Log& log, std::string_view stream, std::string_view line) {
    if (log.marks == max_marks || line.size() > max_mark_bytes - log.mark_bytes) {
        ++log.dropped_marks;
        return;
    }
    ++log.marks;
    log.mark_bytes += line.size();
    marks_.push_back({std::chrono::steady_clock::now(), std::string{stream}, std::string{line}});
}

std::map<std::string, size_t> BootOutput::dropped_marks() const {
    std::map<std::string, size_t> dropped;
    for (const auto& [stream, log] : logs_) {
        if (log.dropped_marks != 0) {
            dropped.emplace(stream, log.dropped_marks);
        }
    }
    return dropped;
}

void BootOutput::on_event(const RecordEvent& event) {
    static_cast<void>(event);
    event_arrivals_.push_back(std::chrono::steady_clock::now());
}

void BootOutput::write_registers(const std::string& text) const {
    if (!text.empty()) {
        std::ofstream{directory_ / registers_file, std::ios::binary} << text;
    }
}

Outcome<void> BootOutput::write_evidence(const std::string& name, const std::string& bytes) const {
    const auto path = directory_ / "evidence" / safe_file_name(name);
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file << bytes;
    if (!file.flush()) {
        return hv::Err{Failure{path.string() + ": cannot be written"}};
    }
    return hv::Ok{};
}

}  // namespace images
