// The rules of a transactional id: both protocol versions, retries, fencing, epochs that run out.
#include "broker/coordinator/transaction/transaction.h"

#include <gtest/gtest.h>

namespace meridian::coordinator::transaction {
namespace {

const std::set<TopicPartition> some = {{"t", 0}};

/// A transaction as the coordinator keeps it: decisions that write are taken over.
struct Id {
  std::optional<Transaction> now;
  ErrorCode take(Decision decision, Producer* answer = nullptr) {
    if (decision.next) now = std::move(*decision.next);
    if (answer) *answer = decision.answer;
    return decision.error;
  }
  const Transaction* present() const { return now ? &*now : nullptr; }
  Producer init(Producer expected = {}, std::int64_t fresh = 100) {
    Producer answer;
    EXPECT_EQ(take(init_producer(present(), expected, fresh, 1000, 5), &answer), ErrorCode::none);
    return answer;
  }
  void complete() { now = transaction::complete(*now, 6); }
};

TEST(Transaction, VersionOneKeepsTheEpochAndVersionTwoRaisesIt) {
  for (const std::int16_t version : {1, 2}) {
    Id id;
    Producer producer = id.init();
    EXPECT_EQ(producer, (Producer{100, 0}));
    EXPECT_EQ(id.take(add_partitions(id.present(), producer, some, version, 5)), ErrorCode::none);
    Producer next;
    EXPECT_EQ(id.take(end_transaction(id.present(), producer, true, version, 200, 5), &next), ErrorCode::none);
    EXPECT_EQ(id.now->state, State::prepare_commit);
    EXPECT_EQ(id.now->producer.epoch, version == 2 ? 1 : 0) << "of the markers";
    EXPECT_EQ(next.epoch, version == 2 ? 1 : 0);
    id.complete();
    EXPECT_EQ(id.now->state, State::complete_commit);
    EXPECT_TRUE(id.now->partitions.empty());
  }
}

TEST(Transaction, ARetriedEndIsAnsweredAndADelayedOneCannotEndTheNextTransaction) {
  Id id;
  const Producer first = id.init();
  id.take(add_partitions(id.present(), first, some, 2, 5));
  Producer next;
  id.take(end_transaction(id.present(), first, true, 2, -1, 5), &next);
  EXPECT_EQ(end_transaction(id.present(), first, true, 2, -1, 5).error, ErrorCode::concurrent_transactions);
  id.complete();
  const auto again = end_transaction(id.present(), first, true, 2, -1, 5);
  EXPECT_EQ(again.error, ErrorCode::none);
  EXPECT_EQ(again.answer, next);
  EXPECT_FALSE(again.next);
  id.take(add_partitions(id.present(), next, some, 2, 5));
  EXPECT_EQ(end_transaction(id.present(), first, true, 2, -1, 5).error, ErrorCode::producer_fenced) << "of the transaction before";
  EXPECT_EQ(end_transaction(id.present(), first, false, 1, -1, 5).error, ErrorCode::producer_fenced);
}

TEST(Transaction, ASecondProducerFencesTheFirst) {
  Id id;
  const Producer first = id.init();
  id.take(add_partitions(id.present(), first, some, 0, 5));
  EXPECT_EQ(id.take(init_producer(id.present(), {}, -1, 1000, 5)), ErrorCode::concurrent_transactions);
  EXPECT_EQ(id.now->state, State::prepare_abort);
  EXPECT_EQ(id.now->producer.epoch, 1);
  id.complete();
  const Producer second = id.init();
  EXPECT_EQ(second.epoch, 2);
  EXPECT_EQ(add_partitions(id.present(), first, some, 0, 5).error, ErrorCode::producer_fenced);
  EXPECT_EQ(end_transaction(id.present(), first, true, 1, -1, 5).error, ErrorCode::producer_fenced);
  EXPECT_EQ(init_producer(id.present(), first, -1, 1000, 5).error, ErrorCode::producer_fenced);
}

TEST(Transaction, ResumingRaisesTheEpochOnceHoweverOftenItIsAsked) {
  Id id;
  const Producer first = id.init();
  const Producer second = id.init(first);
  EXPECT_EQ(second.epoch, 1);
  EXPECT_EQ(id.init(first), second) << "the answer had got lost";
  EXPECT_EQ(id.init(second).epoch, 2);
}

TEST(Transaction, EndsInTheWrongStateAreRefused) {
  Id id;
  const Producer producer = id.init();
  EXPECT_EQ(end_transaction(id.present(), producer, true, 1, -1, 5).error, ErrorCode::invalid_txn_state);
  EXPECT_EQ(end_transaction(id.present(), producer, false, 1, -1, 5).error, ErrorCode::invalid_txn_state);
  EXPECT_EQ(end_transaction(id.present(), producer, true, 2, -1, 5).error, ErrorCode::invalid_txn_state);
  id.take(add_partitions(id.present(), producer, some, 0, 5));
  id.take(end_transaction(id.present(), producer, false, 1, -1, 5));
  EXPECT_EQ(end_transaction(id.present(), producer, true, 1, -1, 5).error, ErrorCode::invalid_txn_state);
  id.complete();
  EXPECT_EQ(end_transaction(id.present(), producer, false, 1, -1, 5).error, ErrorCode::none) << "again";
  EXPECT_EQ(end_transaction(id.present(), producer, true, 1, -1, 5).error, ErrorCode::invalid_txn_state);
  EXPECT_EQ(end_transaction(nullptr, producer, true, 1, -1, 5).error, ErrorCode::invalid_producer_id_mapping);
}

TEST(Transaction, AnEmptyAbortOfVersionTwoRaisesTheEpoch) {  // what the mirror's fence and Java's abortTransaction rely on
  Id id;
  const Producer producer = id.init();
  Producer next;
  EXPECT_EQ(id.take(end_transaction(id.present(), producer, false, 2, -1, 5), &next), ErrorCode::none);
  EXPECT_EQ(next.epoch, producer.epoch + 1);
  id.complete();
  EXPECT_EQ(id.now->state, State::complete_abort);
}

TEST(Transaction, AProducerWhoseEpochsAreUsedUpGetsANewId) {
  Id id;
  Producer producer = id.init();
  id.now->producer.epoch = producer.epoch = epoch_exhausted;
  id.take(add_partitions(id.present(), producer, some, 2, 5));
  Producer next;
  EXPECT_EQ(id.take(end_transaction(id.present(), producer, true, 2, 200, 5), &next), ErrorCode::none);
  EXPECT_EQ(next, (Producer{200, 0}));
  EXPECT_EQ(id.now->producer, (Producer{100, INT16_MAX})) << "of the markers";
  id.complete();
  EXPECT_EQ(id.now->producer, (Producer{200, 0}));
  const auto again = end_transaction(id.present(), producer, true, 2, -1, 5);
  EXPECT_EQ(again.error, ErrorCode::none);
  EXPECT_EQ(again.answer, next);
}

TEST(Transaction, WhatIsWrittenIsReadBack) {
  Id id;
  const Producer producer = id.init();
  id.take(add_partitions(id.present(), producer, {{"a", 0}, {"a", 3}, {"b", 1}}, 2, 5));
  const auto read = decode(encode(*id.now));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->partitions, id.now->partitions);
  EXPECT_EQ(read->producer, id.now->producer);
  EXPECT_EQ(read->state, State::ongoing);
  TransactionValue bad;
  bad.status = 9;
  EXPECT_FALSE(decode(bad));
}

}  // namespace
}  // namespace meridian::coordinator::transaction
