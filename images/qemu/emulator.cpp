// SPDX-License-Identifier: Apache-2.0
#include "images/qemu/emulator.hpp"

#include "images/console/lines.hpp"
#include "images/qemu/child_process.hpp"

#include <chrono>
#include <string_view>

namespace images {

namespace {

constexpr std::chrono::seconds time_to_answer{30};  // it takes milliseconds on a host that is idle
constexpr std::string_view introduction = "QEMU emulator version ";

}  // namespace

Outcome<std::string> name_emulator(const std::string& qemu, int stop) {
    const auto answer = TRY(
        run_program({.arguments = {qemu, "--version"}, .directory = "/"}, time_to_answer, stop));
    const std::string line = answer.text.substr(0, answer.text.find('\n'));
    if (answer.status != 0 || line.rfind(introduction, 0) != 0) {
        return hv::Err{Failure{qemu + " is not QEMU: expected \"" + std::string{introduction} +
                               "...\" from --version, found \"" + printable(line) +
                               "\" and status " + std::to_string(answer.status)}};
    }
    return "QEMU " + printable(line.substr(introduction.size()));
}

}  // namespace images
