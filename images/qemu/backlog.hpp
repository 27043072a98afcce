// SPDX-License-Identifier: Apache-2.0
// Backlog: bytes that wait for a reader, the newest of them. Costs the same for each byte, however
// much waits and in whatever pieces it comes. Used by Outlet.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace images {

class Backlog {
  public:
    // The oldest of more than `most` is dropped.
    explicit Backlog(size_t most) : most_{most} {}

    [[nodiscard]] bool empty() const { return first_ == bytes_.size(); }
    [[nodiscard]] std::string_view bytes() const { return std::string_view{bytes_}.substr(first_); }
    void push(std::string_view bytes) {
        bytes_ += bytes;
        if (bytes_.size() - first_ > most_) {
            pop(bytes_.size() - first_ - most_);
        }
    }
    // The first `count`, which are there.
    void pop(size_t count) {
        first_ += count;
        // What is left moves only after as much has gone.
        if (first_ >= most_ || empty()) {
            bytes_.erase(0, first_);
            first_ = 0;
        }
    }

  private:
    size_t most_;
    std::string bytes_;
    size_t first_ = 0;  // before it, all is gone
};

}  // namespace images
