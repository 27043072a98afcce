// SPDX-License-Identifier: Apache-2.0
// The launch record of ARCHITECTURE.md: one RecordEvent per line, and LaunchRecord, what all lines
// so far say about the machine and its domains. Read by `gantry boot` from the UART; believes hv,
// which alone writes this stream, but checks the form of every line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace images {

struct RecordEvent {
    uint64_t t_ns = 0;  // since hv started its clock
    std::string event;
    std::vector<std::pair<std::string, std::string>> values;  // in the order of the line, decoded

    // Empty when the key is not there.
    [[nodiscard]] std::string_view value(std::string_view key) const;
};

// Nothing when the line does not have the form of a record line.
std::optional<RecordEvent> parse_record_line(std::string_view line);

// What the record says about one domain.
struct DomainRecord {
    uint16_t domid = 0;
    std::string name;
    std::string outcome{};  // ready or refused; empty while domB has not decided
    std::string reason{};   // of a refusal
    std::string path{};     // of the manifest, of a refusal
    bool started = false;
    std::string how{};  // how it ended; empty while it runs
    bool expected = false;
};

class LaunchRecord {
  public:
    // Nothing when the line is malformed; it is then counted and otherwise without effect.
    std::optional<RecordEvent> add(std::string_view line);

    [[nodiscard]] const std::vector<RecordEvent>& events() const { return events_; }
    [[nodiscard]] const std::map<uint16_t, DomainRecord>& domains() const { return domains_; }
    // The domain whose bytes carry this source number on the UART.
    [[nodiscard]] const DomainRecord* find_source(uint8_t source) const;
    // The status of machine-off, once it is there.
    [[nodiscard]] const std::optional<std::string>& machine_off() const { return machine_off_; }
    [[nodiscard]] size_t malformed_count() const { return malformed_; }

  private:
    void apply(const RecordEvent& event);

    std::vector<RecordEvent> events_;
    std::map<uint16_t, DomainRecord> domains_;
    std::optional<std::string> machine_off_;
    size_t malformed_ = 0;
};

}  // namespace images
