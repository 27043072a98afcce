// SPDX-License-Identifier: Apache-2.0
// Fuzz entry for what small services read that is not theirs: the host's input frames, replies and
// events of a Xenstore that means no good, and the plans that domB leaves in a module.
//
// Input: a byte that says which of them, then its bytes. For Xenstore that is a sequence of
// records: what happens, a number, a length n, and n bytes.
#include "domb/services/console/input_frames.hpp"
#include "domb/services/console/patterns.hpp"
#include "domb/services/launcher/ready_nodes.hpp"
#include "domb/services/xenstore_client/client.hpp"
#include "hv/base/reader.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using hv::abi::XsType;

void require(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "services: %s\n", what);
        std::abort();
    }
}

std::string_view text_of(std::span<const std::byte> bytes) {
    // SAFETY: bytes may be read as char.
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Whose bytes are whose must not depend on how they were cut.
using Lines = std::map<std::pair<uint8_t, uint8_t>, std::string>;

Lines take_frames(std::string_view bytes, size_t piece) {
    Lines lines;
    console::InputFrames frames;
    while (!bytes.empty()) {
        std::string_view part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        while (const auto taken = frames.next(part)) {
            require(!taken->bytes.empty() && taken->channel <= hv::abi::uart_frame_max_channel,
                    "a piece that is none");
            lines[{taken->domain, taken->channel}] += taken->bytes;
        }
        require(part.empty(), "bytes are left");
    }
    return lines;
}

void fuzz_frames(std::string_view bytes) {
    const Lines whole = take_frames(bytes, bytes.size() + 1);
    require(whole == take_frames(bytes, 1) && whole == take_frames(bytes, 7),
            "the cut makes a difference");
}

// A client, and a server that keeps to the protocol until the input says otherwise. Until then each
// reply must arrive as it was sent.
class Store {
  public:
    void act(uint8_t what, uint16_t number, std::string_view bytes) {
        switch (what % 8) {
            case 0:
                ask(number, bytes);
                break;
            case 1:
                answer(number, bytes);
                break;
            case 2:
                is_honest_ = is_honest_ && is_event(bytes);
                send(XsType::XS_WATCH_EVENT, 0, 0, bytes);
                break;
            case 3:  // no end of the message, or too much of one
                is_honest_ = false;
                put(bytes);
                break;
            case 4:
                is_honest_ = false;
                (number % 4 == 0   ? page_.req_prod
                 : number % 4 == 1 ? page_.req_cons
                 : number % 4 == 2 ? page_.rsp_prod
                                   : page_.rsp_cons) += number / 4;
                break;
            case 5:
                is_honest_ = false;
                send(XsType{number % 32U}, number / 32U % 4U, number / 128U % 2U, bytes);
                break;
            default:
                page_.req_cons += std::min<uint32_t>(number, page_.req_prod - page_.req_cons);
        }
        poll();
    }

  private:
    void ask(uint16_t number, std::string_view bytes) {
        const bool was_ready = client_.is_ready();
        const std::string_view path = bytes.substr(0, number / 8U % 256U);
        const std::string_view rest = bytes.substr(path.size());
        const std::array types{XsType::XS_READ, XsType::XS_DIRECTORY, XsType::XS_WRITE,
                               XsType::XS_RM,   XsType::XS_WATCH,     XsType::XS_UNWATCH};
        const XsType type = types[number % types.size()];
        const bool is_sent = type == XsType::XS_READ        ? client_.read(path)
                             : type == XsType::XS_DIRECTORY ? client_.directory(path)
                             : type == XsType::XS_WRITE     ? client_.write(path, rest)
                             : type == XsType::XS_RM        ? client_.remove(path)
                             : type == XsType::XS_WATCH     ? client_.watch(path, rest)
                                                            : client_.unwatch(path, rest);
        require(was_ready || !is_sent, "two requests at a time");
        if (is_sent) {
            asked_ = type;
            ++req_id_;
            is_awaited_ = true;
        }
    }

    // To the request under way, once all of it is taken.
    void answer(uint16_t number, std::string_view bytes) {
        is_honest_ = is_honest_ && is_awaited_;
        page_.req_cons = page_.req_prod;
        poll();  // what is left of it goes out
        page_.req_cons = page_.req_prod;
        is_error_ = number % 4 == 3;
        expected_ = bytes;
        is_answered_ = true;
        send(is_error_ ? XsType::XS_ERROR : asked_, req_id_, 0, bytes);
    }

    // A path and a token.
    static bool is_event(std::string_view bytes) {
        return std::count(bytes.begin(), bytes.end(), '\0') == 2 && bytes.back() == '\0';
    }
    void send(XsType type, uint32_t req_id, uint32_t tx_id, std::string_view payload) {
        const hv::abi::XsdSockmsg header{.type = static_cast<uint32_t>(type),
                                         .req_id = req_id,
                                         .tx_id = tx_id,
                                         .len = static_cast<uint32_t>(payload.size())};
        put(text_of(std::as_bytes(std::span{&header, 1})));
        put(payload);
    }
    void put(std::string_view bytes) {
        for (const char c : bytes) {
            page_.rsp[page_.rsp_prod++ % hv::abi::XENSTORE_RING_SIZE] = c;
        }
    }

    void poll() {
        const bool was_dead = client_.fault() != xenstore_client::Fault::None;
        const uint32_t sent = page_.req_prod;
        size_t messages = 0;
        while (const auto message = client_.poll()) {
            require(!was_dead, "a connection that ended goes on");
            require(++messages <= hv::abi::XENSTORE_RING_SIZE / sizeof(hv::abi::XsdSockmsg),
                    "more messages than the ring can hold");
            take(*message);
        }
        const bool is_dead = client_.fault() != xenstore_client::Fault::None;
        require(!was_dead || (is_dead && page_.req_prod == sent), "a fault is forgotten");
        require(!is_dead || !client_.is_ready(), "a dead connection takes requests");
        static_cast<void>(client_.take_news());
        require(!is_honest_ || !is_dead, "a server that keeps to the protocol is not believed");
        require(!is_honest_ || !is_answered_ || !is_awaited_, "a reply is lost");
        is_answered_ = false;
    }

    void take(const xenstore_client::Message& message) {
        using Kind = xenstore_client::Message::Kind;
        require(message.text.size() <= hv::abi::XENSTORE_PAYLOAD_MAX &&
                    message.token.size() <= hv::abi::XENSTORE_PAYLOAD_MAX,
                "a message that is too long");
        if (message.kind == Kind::Event) {
            require(message.text.find('\0') == std::string_view::npos &&
                        message.token.find('\0') == std::string_view::npos,
                    "an event of more strings");
            return;
        }
        require(is_awaited_ && client_.is_ready(), "a reply to nothing");
        is_awaited_ = false;
        if (is_honest_) {
            std::string_view wanted = expected_;
            wanted = wanted.substr(0, is_error_ ? wanted.find('\0') : wanted.npos);
            require(message.text == wanted && is_error_ == (message.kind == Kind::Error),
                    "another reply than was sent");
        }
        std::string_view rest = message.text;
        for (size_t names = 0; !rest.empty(); ++names) {
            require(names <= message.text.size(), "names without end");
            static_cast<void>(xenstore_client::take_name(rest));
        }
    }

    hv::abi::XenstoreDomainInterface page_{};
    xenstore_client::Client client_{page_};
    XsType asked_{};
    uint32_t req_id_ = 0;
    bool is_awaited_ = false;
    bool is_answered_ = false;
    bool is_error_ = false;
    std::string expected_;
    bool is_honest_ = true;
};

void fuzz_store(hv::Reader& input) {
    const auto store = std::make_unique<Store>();
    while (true) {
        auto what = input.read_le<uint8_t>();
        auto number = input.read_le<uint16_t>();
        auto length = input.read_le<uint8_t>();
        if (!what.ok() || !number.ok() || !length.ok()) {
            return;
        }
        auto bytes = input.take(length.value());
        if (!bytes.ok()) {
            return;
        }
        store->act(what.value(), number.value(), text_of(bytes.value()));
    }
}

// What is accepted can be used: every text within its field, every node with a path.
void fuzz_launcher_plan(std::span<const std::byte> bytes) {
    const std::vector<std::byte> aligned{bytes.begin(), bytes.end()};
    const auto plan = launcher::read_plan(aligned);
    if (!plan) {
        return;
    }
    require(plan->entries.size() <= launcher::max_entries, "too many entries");
    for (const launcher::Entry& entry : plan->entries) {
        require(plan->find(hv::DomainId{entry.domid}) == &entry, "two of one number");
    }
    const auto nodes = std::make_unique<launcher::ReadyNodes>();
    nodes->find(*plan);
    for (size_t node = 0; node < nodes->size(); ++node) {
        hv::TextOf<300> path;
        nodes->put_path(path, node);
        require(!path.truncated(), "a path that is too long");
        nodes->set(node, path.view());
    }
    for (launcher::Index i = 0; i < plan->entries.size(); ++i) {
        hv::TextOf<1000> lack;
        if (!nodes->are_met(i)) {
            nodes->put_lack(lack, i);
        }
    }
}

void fuzz_patterns(std::span<const std::byte> bytes) {
    const auto patterns = std::make_unique<console::Patterns>();
    if (patterns->read(bytes)) {
        for (uint16_t domain = 0; domain < 8; ++domain) {
            patterns->see(hv::DomainId{domain}, text_of(bytes));
            patterns->see_gap(hv::DomainId{domain});
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    hv::Reader input{std::as_bytes(std::span{data, size})};
    const auto which = input.read_le<uint8_t>();
    if (!which.ok()) {
        return 0;
    }
    const auto rest = std::as_bytes(std::span{data, size}).subspan(1);
    switch (which.value() % 4) {
        case 0:
            fuzz_frames(text_of(rest));
            break;
        case 1:
            fuzz_store(input);
            break;
        case 2:
            fuzz_launcher_plan(rest);
            break;
        default:
            fuzz_patterns(rest);
    }
    return 0;
}
