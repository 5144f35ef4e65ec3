// Which log directory is which: over starts with directories that are new, away, empty, swapped, copied or another broker's.
#include "broker/replication/directory_identity.h"

#include <gtest/gtest.h>

#include "tests/simulation/sim_clock.h"
#include "tests/support/memory_disk.h"

namespace meridian::replication {
namespace {

class DirectoryIdentityTest : public ::testing::Test {
 protected:
  /// A start of a broker: "x" where it is refused, else the directories that have failed, and "away" where one is.
  std::string start(std::vector<std::string> paths) {
    LogDirectories directories;
    for (auto& path : paths) directories.push_back(std::make_unique<LogDirectory>(disk, std::move(path)));
    const auto away = identify(disk, random, directories);
    if (!away) {
      EXPECT_EQ(away.error().code, Errc::refused) << away.error().message;
      refusal = away.error().message;
      return "x";
    }
    std::string told;
    for (const auto& directory : directories)
      if (directory->failed()) told += directory->path() + " ";
    return told + (*away ? "away" : "");
  }
  void unmount(const std::string& path) {
    EXPECT_TRUE(disk.rename(path, path + ".volume"));
    EXPECT_TRUE(disk.make_directories(path));
  }
  void mount(const std::string& path) {
    EXPECT_TRUE(disk.remove_tree(path));
    EXPECT_TRUE(disk.rename(path + ".volume", path));
  }
  DirectoryMetadata read(const std::string& path) {
    const auto metadata = decode_directory_metadata(*disk.read_file(path + "/directory.metadata"));
    EXPECT_TRUE(metadata);
    return *metadata;
  }

  boost::asio::io_context context;
  simulation::SimClock clock;
  base::Random random{1};
  testing::MemoryDisk disk{context, clock, random};
  std::string refusal;
};

TEST_F(DirectoryIdentityTest, NewDirectoriesGetIdsAndKeepThem) {
  EXPECT_EQ(start({"/a"}), "");
  EXPECT_EQ(start({"/a", "/b", "/c"}), "");
  const auto first = read("/a");
  EXPECT_EQ(first.metadata_directory, first.id);
  EXPECT_EQ(first.others, (std::map<Uuid, std::string>{{read("/b").id, "/b"}, {read("/c").id, "/c"}}));
  EXPECT_EQ(read("/b").metadata_directory, first.id);
  EXPECT_EQ(start({"/a", "/c", "/b"}), "");
  EXPECT_EQ(read("/a"), first);
}

TEST_F(DirectoryIdentityTest, AnEmptyOneWhereAnotherWasHasFailedUntilThatIsBack) {
  EXPECT_EQ(start({"/a", "/b"}), "");
  unmount("/b");
  EXPECT_EQ(start({"/a", "/b"}), "/b away");
  EXPECT_EQ(start({"/a", "/b"}), "/b away") << "also the second time";
  EXPECT_FALSE(disk.exists("/b/directory.metadata"));
  mount("/b");
  EXPECT_EQ(start({"/a", "/b"}), "");
}

TEST_F(DirectoryIdentityTest, OneThatIsNotNamedAnyMoreIsAway) {
  EXPECT_EQ(start({"/a", "/b"}), "");
  EXPECT_EQ(start({"/a"}), "away");
  EXPECT_EQ(start({"/a", "/c"}), "away");
  EXPECT_EQ(start({"/a", "/c", "/b"}), "");
}

TEST_F(DirectoryIdentityTest, OneMayBeMountedElsewhere) {
  EXPECT_EQ(start({"/a", "/b"}), "");
  EXPECT_TRUE(disk.rename("/b", "/c"));
  EXPECT_EQ(start({"/a", "/c"}), "");
  EXPECT_EQ(read("/a").others.at(read("/c").id), "/c");
  EXPECT_EQ(start({"/a", "/c"}), "");
  EXPECT_TRUE(disk.rename("/c", "/d"));
  EXPECT_EQ(start({"/a", "/c", "/d"}), "") << "what was at /c is at /d, so that a new one may be there";
}

TEST_F(DirectoryIdentityTest, WhatOneHeldIsGivenUpByRemovingItsLine) {
  EXPECT_EQ(start({"/a", "/b"}), "");
  unmount("/b");
  auto metadata = read("/a");
  metadata.others.clear();
  EXPECT_TRUE(disk.replace_file("/a/directory.metadata", encode_directory_metadata(metadata)));
  EXPECT_EQ(start({"/a", "/b"}), "");
  mount("/b");
  EXPECT_EQ(start({"/a", "/b"}), "away") << "it is the new one that is missing now";
}

TEST_F(DirectoryIdentityTest, DirectoriesThatAreNotOfOneBrokerAreRefused) {
  EXPECT_EQ(start({"/a", "/b"}), "");
  EXPECT_EQ(start({"/c", "/d"}), "");
  EXPECT_EQ(start({"/a", "/d"}), "x");
  EXPECT_EQ(start({"/b", "/a"}), "x");
  EXPECT_NE(refusal.find("name that one first"), std::string::npos);
  EXPECT_EQ(start({"/a", "/b", "/c"}), "x");
  unmount("/a");
  EXPECT_EQ(start({"/a", "/b"}), "x");
  EXPECT_NE(refusal.find("is a volume not mounted"), std::string::npos);
  EXPECT_FALSE(disk.exists("/a/directory.metadata"));
  mount("/a");
  EXPECT_TRUE(disk.replace_file("/copy/directory.metadata", *disk.read_file("/b/directory.metadata")));
  EXPECT_EQ(start({"/a", "/b", "/copy"}), "x");
  EXPECT_EQ(start({"/a", "/b"}), "") << "nothing was changed";
}

TEST_F(DirectoryIdentityTest, OneThatCannotBeReadHasFailed) {
  EXPECT_EQ(start({"/a", "/b"}), "");
  disk.break_under("/b");
  EXPECT_EQ(start({"/a", "/b"}), "/b away");
  disk.break_under("/a");
  EXPECT_EQ(start({"/a", "/b"}), "/a away");
  disk.break_under("");
  EXPECT_TRUE(disk.replace_file("/b/directory.metadata", "torn"));
  EXPECT_EQ(start({"/a", "/b"}), "/b away");
}

TEST_F(DirectoryIdentityTest, AFirstStartMayBeCutShortAnywhere) {
  for (int names = 0; names < 4; ++names) {
    for (const char* path : {"/a", "/b", "/c"}) EXPECT_TRUE(disk.remove_tree(path));
    disk.fail_names(names);
    LogDirectories directories;
    for (const char* path : {"/a", "/b", "/c"}) directories.push_back(std::make_unique<LogDirectory>(disk, path));
    (void)identify(disk, random, directories);
    disk.fail_names(-1);
    EXPECT_EQ(start({"/a", "/b", "/c"}), "") << names;
    EXPECT_EQ(read("/a").others.size(), 2u);
  }
}

TEST(DirectoryMetadataTest, WhatIsWrittenIsRead) {
  base::Random random{7};
  DirectoryMetadata metadata{random.uuid(), random.uuid(), {{random.uuid(), "/with a space"}, {random.uuid(), "relative"}}};
  EXPECT_EQ(*decode_directory_metadata(encode_directory_metadata(metadata)), metadata);
  metadata.others.clear();
  EXPECT_EQ(*decode_directory_metadata(encode_directory_metadata(metadata)), metadata);
}

TEST(DirectoryMetadataTest, WhatIsNotUnderstoodIsRefused) {
  const std::string id = "AAAAAAAAQACAAAAAAAAAAQ", good = "version: 0\ndirectory_id: " + id + "\nmetadata_directory_id: " + id + "\n";
  EXPECT_TRUE(decode_directory_metadata(good));
  for (const std::string& bad : {std::string(), std::string("version: 0\n"), "version: 1\n" + good, good + "log_directory: " + id + "\n",
                                 good + "log_directory: " + id + " \n", good + "else: " + id + "\n", good + "\n", good + "directory_id: short\n",
                                 good + "directory_id: AAAAAAAAAAAAAAAAAAAAAA\n", good.substr(0, good.size() - 4)})
    EXPECT_FALSE(decode_directory_metadata(bad)) << bad;
}

}  // namespace
}  // namespace meridian::replication
