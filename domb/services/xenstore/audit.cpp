// SPDX-License-Identifier: Apache-2.0
#include "domb/services/xenstore/audit.hpp"

#include "domb/services/xenstore/server.hpp"

namespace xenstore {
namespace {

class Auditor {
  public:
    explicit Auditor(Server& server) : server_{server}, memory_{server.memory()} {}

    Audit run() {
        audit_tree(server_.store().root(), true);
        for (size_t i = 0; i < server_.sessions().size(); ++i) {
            if (server_.clients()[i].is_in_use) {
                audit_session(i);
            }
        }
        audit_buckets();
        audit_accounts();
        return audit_;
    }

  private:
    void expect(bool is_so, std::string_view fault) {
        if (!is_so && audit_.fault.empty()) {
            audit_.fault = fault;
        }
    }
    Usage& usage(AccountId id) { return audit_.usage[id.value()]; }
    void count_blocks(AccountId id, uint32_t blocks) {
        usage(id).blocks += blocks;
        audit_.blocks += blocks;
    }

    void audit_tree(Block top, bool is_store) {
        const Tree& tree = server_.store().tree();
        for (Block block = top; block != no_block; block = tree.next_below(top, block)) {
            const Node& node = tree.at(block);
            count_blocks(node.account, tree.blocks_of(node));
            Block last = no_block;
            for (Block child = node.first_child; child != no_block; child = tree.at(child).next) {
                expect(tree.at(child).parent == block, "a child has another parent");
                expect(last == no_block || tree.at(child).prev == last, "siblings disagree");
                last = child;
            }
            expect(node.first_child == no_block || tree.at(node.first_child).prev == last,
                   "the first sibling does not know the last one");
            if (is_store) {
                audit_store_node(node);
            }
        }
    }
    void audit_store_node(const Node& node) {
        const PermissionList list = load_permissions(memory_, node.permissions);
        expect(!list.empty() && memory_.accounts.of(list[0].domain) == node.account,
               "a node's owner does not pay for it");
        expect(node.flags == 0 && node.base == no_block, "a node has a transaction's marks");
        expect(node.generation != 0, "a node has no generation");
        usage(node.account).nodes += 1;
    }

    void audit_session(size_t index) {
        const Session& session = server_.sessions()[index];
        uint32_t overflowed = 0;
        for (Block block = session.first_watch; block != no_block;) {
            const Watch& watch = memory_.pool.at<Watch>(block);
            expect(watch.session == index, "a watch belongs to another client");
            count_blocks(session.account, 1 + Memory::blocks_for(watch.path.size()) +
                                              Memory::blocks_for(watch.token.size()));
            usage(session.account).watches += 1;
            overflowed += watch.overflowed ? 1 : 0;
            audit_watch_events(block);
            block = watch.next;
        }
        expect(overflowed == session.overflowed_watches, "overflowed watches are miscounted");
        audit_events(session);
        audit_transactions(session);
    }
    void audit_watch_events(Block watch) {
        Block last = no_block;
        for (Block block = memory_.pool.at<Watch>(watch).first_event; block != no_block;) {
            expect(memory_.pool.at<Event>(block).watch == watch, "an event has another watch");
            last = block;
            ++events_of_watches_;
            block = memory_.pool.at<Event>(block).next_of_watch;
        }
        expect(memory_.pool.at<Watch>(watch).last_event == last, "a watch's last event is wrong");
    }
    void audit_events(const Session& session) {
        Block last = no_block;
        uint32_t events = 0;
        for (Block block = session.first_event; block != no_block;) {
            const Event& event = memory_.pool.at<Event>(block);
            count_blocks(session.account, 1 + Memory::blocks_for(event.path.size()));
            usage(session.account).events += 1;
            ++events;
            last = block;
            block = event.next;
        }
        expect(session.last_event == last, "a client's last event is wrong");
        expect(events == events_of_watches_, "events are not those of the watches");
        events_of_watches_ = 0;
    }
    void audit_transactions(const Session& session) {
        for (Block block = session.first_transaction; block != no_block;) {
            const TransactionState& state = memory_.pool.at<TransactionState>(block);
            expect(state.account == session.account, "a transaction has another account");
            count_blocks(session.account, 1);
            usage(session.account).transactions += 1;
            audit_tree(state.root, false);
            block = state.next;
        }
    }

    void audit_buckets() {
        uint32_t watches = 0;
        for (const Block first : server_.buckets()) {
            for (Block block = first; block != no_block;) {
                ++watches;
                block = memory_.pool.at<Watch>(block).next_of_hash;
            }
        }
        for (const Usage& counted : audit_.usage) {
            watches -= counted.watches;
        }
        expect(watches == 0, "watches that are found are not those of the clients");
    }
    void audit_accounts() {
        for (uint8_t i = 0; i < max_accounts; ++i) {
            const Account& account = memory_.accounts[AccountId{i}];
            expect(account.is_open || account.usage == Usage{}, "a closed account is in use");
            expect(audit_.usage[i] == account.usage, "an account differs from what is there");
            expect(account.usage.blocks <= Accounts::blocks_in(account.quota.memory),
                   "an account uses more than its memory");
            expect(account.reserved == 0, "a reservation was left");
        }
        expect(audit_.blocks == memory_.pool.used(), "blocks are lost");
    }

    Server& server_;
    Memory& memory_;
    Audit audit_{};
    uint32_t events_of_watches_ = 0;
};

}  // namespace

Audit audit_server(Server& server) {
    return Auditor{server}.run();
}

}  // namespace xenstore
