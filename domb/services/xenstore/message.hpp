// SPDX-License-Identifier: Apache-2.0
// The payloads of one request: Payload reads what the client sent, Reply writes what it gets.
#pragma once

#include "domb/services/xenstore/characters.hpp"
#include "domb/services/xenstore/error.hpp"
#include "domb/services/xenstore/memory.hpp"
#include "domb/services/xenstore/number.hpp"
#include "hv/abi/xen_xenstore.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace xenstore {

// What ends a string.
inline constexpr std::string_view nul{"\0", 1};

class Payload {
  public:
    explicit Payload(std::string_view bytes) : rest_{bytes} {}

    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    // Not even a string with something in it.
    [[nodiscard]] bool is_nothing() const { return rest_.empty() || rest_ == nul; }
    // How many there are.
    [[nodiscard]] size_t strings() const {
        return static_cast<size_t>(std::count(rest_.begin(), rest_.end(), '\0'));
    }
    // What comes next up to a NUL, which is taken, too. EINVAL if there is none.
    Result<std::string_view> string() {
        const size_t end = position_of('\0', rest_);
        if (end == rest_.size()) {
            return hv::Err{Error::Invalid};
        }
        const std::string_view text = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return text;
    }
    // The same, if nothing follows.
    Result<std::string_view> last_string() {
        const std::string_view text = TRY(string());
        TRY(end());
        return text;
    }
    // EINVAL if something follows.
    [[nodiscard]] Done end() const {
        if (!at_end()) {
            return hv::Err{Error::Invalid};
        }
        return hv::Ok{};
    }
    Result<uint32_t> number() { return parse_number(TRY(string())); }
    Result<hv::DomainId> domain() { return parse_domain(TRY(string())); }
    std::string_view rest() {
        const std::string_view all = rest_;
        rest_ = {};
        return all;
    }

  private:
    std::string_view rest_;
};

class Reply {
  public:
    explicit Reply(std::span<char> buffer) : buffer_{buffer} {}

    // E2BIG when it is full.
    Done put(std::string_view bytes) {
        if (bytes.size() > room()) {
            return hv::Err{Error::TooBig};
        }
        std::copy(bytes.begin(), bytes.end(), buffer_.begin() + static_cast<ptrdiff_t>(size_));
        size_ += bytes.size();
        return hv::Ok{};
    }
    // With its NUL.
    Done put_string(std::string_view text) {
        TRY(put(text));
        return put(nul);
    }
    Done put(const Memory& memory, Bytes bytes) {
        if (bytes.size() > room()) {
            return hv::Err{Error::TooBig};
        }
        size_ += memory.copy(bytes, buffer_.subspan(size_));
        return hv::Ok{};
    }
    Done put_ok() { return put_string("OK"); }
    void clear() { size_ = 0; }

    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] size_t room() const { return buffer_.size() - size_; }

  private:
    std::span<char> buffer_;
    size_t size_ = 0;
};

}  // namespace xenstore
