// SPDX-License-Identifier: Apache-2.0
// TpmChannel: commands to a running swtpm, without QEMU in between. The control socket takes one
// end of a socket pair as the command channel (CMD_SET_DATAFD of swtpm_ioctls.h), as QEMU does.
#pragma once

#include "images/qemu/failure.hpp"
#include "images/qemu/unique_fd.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace images {

class TpmChannel {
  public:
    static Outcome<TpmChannel> open(const std::filesystem::path& socket);

    // One command, one response.
    [[nodiscard]] Outcome<std::vector<std::byte>> transmit(
        std::span<const std::byte> command) const;
    // All PCRs of all active banks as text, see measure/replay/pcrs.hpp.
    [[nodiscard]] Outcome<std::string> read_pcrs() const;

  private:
    TpmChannel(UniqueFd control, UniqueFd data)
        : control_{std::move(control)}, data_{std::move(data)} {}

    UniqueFd control_;
    UniqueFd data_;
};

}  // namespace images
