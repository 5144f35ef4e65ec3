// Sends the same seeded requests to two brokers and compares the answers field by field:
//   java -cp 'kafka jars' Differential.java HOST:PORT HOST:PORT STEPS SEED
// Requests come from Kafka's own schemas; values from small pools of valid and invalid ones, chosen by the field's name, so that requests
// mean something. Prints one line a difference: API version path: left | right. What cannot be equal (ids, times, addresses, wording of
// messages) is normalised here and listed in differential.txt.
import java.io.*;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.protocol.types.*;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;

public class Differential {
    static final Set<Integer> LEFT_OUT = Set.of(17, 36, 18, 27, 29, 30, 31, 38, 39, 40, 41, 50, 51, 52, 53, 54, 56, 58, 59, 62, 63, 64, 67, 70, 71, 72, 73, 80, 81, 82);
    static final String[] TOPICS = {"d0", "d0", "d1", "d2", "nope", "bad name", ""};
    static final String[] GROUPS = {"g0", "g1", "gnone", ""};

    static class Broker {
        final String host; final int port; Socket socket; DataInputStream in; DataOutputStream out; int correlation;
        final Map<String, Uuid> ids = new HashMap<>(); final Map<Uuid, String> names = new HashMap<>();
        long producer = -1; short epoch = -1;
        Broker(String at) { host = at.split(":")[0]; port = Integer.parseInt(at.split(":")[1]); }

        Struct call(int key, int version, Struct request) throws IOException {
            if (socket == null) { socket = new Socket(host, port); socket.setSoTimeout(20000); socket.setTcpNoDelay(true); in = new DataInputStream(socket.getInputStream()); out = new DataOutputStream(socket.getOutputStream()); }
            ApiMessageType type = ApiMessageType.fromApiKey((short) key);
            Schema schema = type.requestSchemas()[version];
            boolean tagged = type.requestHeaderVersion((short) version) >= 2;
            ByteBuffer body = ByteBuffer.allocate(schema.sizeOf(request));
            schema.write(body, request);
            byte[] client = "diff".getBytes();
            out.writeInt(10 + client.length + (tagged ? 1 : 0) + body.capacity());
            out.writeShort(key); out.writeShort(version); out.writeInt(++correlation); out.writeShort(client.length); out.write(client);
            if (tagged) out.writeByte(0);
            out.write(body.array()); out.flush();
            try {
                byte[] frame = new byte[in.readInt()];
                in.readFully(frame);
                ByteBuffer buffer = ByteBuffer.wrap(frame);
                buffer.position(4 + (type.responseHeaderVersion((short) version) >= 1 ? 1 : 0));
                return type.responseSchemas()[version].read(buffer);
            } catch (EOFException | java.net.SocketException closed) {
                socket.close(); socket = null;
                return null;
            }
        }

        /// Topics that the broker tells of, with their partitions; learns their ids.
        Map<String, Set<Integer>> topics() throws IOException {
            Struct request = new Struct(ApiMessageType.METADATA.requestSchemas()[12]);
            request.set("topics", null); request.set("allow_auto_topic_creation", false); request.set("include_topic_authorized_operations", false); request.set("_tagged_fields", new TreeMap<>());
            ids.clear();
            Map<String, Set<Integer>> found = new TreeMap<>();
            for (Object t : call(3, 12, request).getArray("topics")) {
                Struct topic = (Struct) t;
                String name = topic.getString("name");
                ids.put(name, (Uuid) topic.get("topic_id")); names.put((Uuid) topic.get("topic_id"), name);
                if (name.startsWith("__")) continue;
                for (Object p : topic.getArray("partitions")) found.computeIfAbsent(name, n -> new TreeSet<>()).add(((Struct) p).getInt("partition_index"));
            }
            return found;
        }

        /// The error of a ListOffsets: 0 once the partition is led, 3 once it is gone.
        short probe(String topic, int partition) throws IOException {
            Struct request = new Struct(ApiMessageType.LIST_OFFSETS.requestSchemas()[1]);
            Struct t = request.instance("topics"), p = t.instance("partitions");
            p.set("partition_index", partition); p.set("timestamp", -1L);
            t.set("name", topic); t.set("partitions", new Object[] {p});
            request.set("replica_id", -1); request.set("topics", new Object[] {t});
            return ((Struct) ((Struct) call(2, 1, request).getArray("topics")[0]).getArray("partitions")[0]).getShort("error_code");
        }
    }

    /// Kafka carries out what was done to topics a moment after it answered, what other requests are told depends on that moment: waits until
    /// it has the same partitions as the other broker, leads them, and does not lead those that are gone. A difference that stays shows in
    /// the answers that follow.
    static void settle(Broker left, Broker right, Map<String, Set<Integer>> before) throws Exception {
        for (int i = 0; i < 500; i++, Thread.sleep(10)) {
            Map<String, Set<Integer>> wanted = left.topics();
            boolean settled = wanted.equals(right.topics());
            for (Broker broker : List.of(left, right)) {
                for (var topic : wanted.entrySet()) for (int partition : topic.getValue()) settled = settled && broker.probe(topic.getKey(), partition) == 0;
                for (var topic : before.entrySet())
                    for (int partition : topic.getValue())
                        if (!wanted.getOrDefault(topic.getKey(), Set.of()).contains(partition)) settled = settled && broker.probe(topic.getKey(), partition) == 3;
            }
            if (!settled) continue;
            before.clear();
            before.putAll(wanted);
            return;
        }
    }

    static int key, version;

    static <T> T pick(Random random, T[] pool) { return pool[random.nextInt(pool.length)]; }
    static int pick(Random random, int... pool) { return pool[random.nextInt(pool.length)]; }

    static Struct make(Schema schema, String path, Random random, Broker broker) {
        Struct struct = new Struct(schema);
        for (BoundField field : schema.fields())
            if (field.def.type instanceof TaggedFields) struct.set(field, new TreeMap<>());
            else struct.set(field, value(field.def.type, path + "." + field.def.name, field.def.name, random, broker));
        return struct;
    }

    static Object value(Type type, String path, String name, Random random, Broker broker) {
        if (type.isNullable() && random.nextInt(6) == 0 && !name.equals("records") && !name.equals("protocols")) return null;
        if (name.equals("group_instance_id") || name.equals("instance_id") || name.equals("rack_id") || name.equals("reason") || name.equals("cursor") || name.equals("transactional_id") && key == 0) return type.isNullable() ? null : "";
        if (name.equals("topic_id") && (key == 3 && version < 12 || key == 20)) return Uuid.ZERO_UUID;
        if (type instanceof Schema) return make((Schema) type, path, random, broker);
        if (type.arrayElementType().isPresent()) {
            int n = name.equals("forgotten_topics_data") || name.equals("assignments") && random.nextInt(4) > 0 || name.equals("topic_partitions") && key == 68 ? 0 : 1 + random.nextInt(2);
            List<Object> elements = new ArrayList<>(); Set<String> seen = new HashSet<>();
            for (int i = 0; i < n; i++) { Object e = value(type.arrayElementType().get(), path, name, random, broker); if (seen.add(identity(e))) elements.add(e); }
            return elements.toArray();
        }
        String t = type.toString();
        if (t.endsWith("RECORDS")) return MemoryRecords.withRecords(pick(random, 0, 1) == 0 ? Compression.NONE : Compression.lz4().build(), new SimpleRecord(1_700_000_000_000L + random.nextInt(1000), "k".getBytes(), ("v" + random.nextInt(100)).getBytes()));
        if (t.endsWith("STRING")) return string(path, name, random);
        if (t.endsWith("BYTES")) return ByteBuffer.wrap(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        switch (t) {
            case "BOOLEAN": return name.contains("auto_topic_creation") || name.equals("verify_only") ? (Object) false : random.nextBoolean();
            case "INT8": return (byte) number(path, name, random, broker);
            case "INT16": return (short) number(path, name, random, broker);
            case "INT32": return (int) number(path, name, random, broker);
            case "INT64": return number(path, name, random, broker);
            case "FLOAT64": return pick(random, 0, 1, 1000) * 1.0;
            case "UUID": return name.equals("topic_id") ? broker.ids.getOrDefault(pick(random, TOPICS), new Uuid(7, 7)) : Uuid.ZERO_UUID;
            default: throw new IllegalStateException(t);
        }
    }

    /// Kafka refuses or merges repeated entries in ways that depend on its hash maps: requests do not repeat themselves.
    static String identity(Object e) {
        if (!(e instanceof Struct)) return String.valueOf(e);
        for (String name : new String[] {"name", "topic", "topic_name", "topic_id", "partition", "partition_index", "index", "entity", "resource_name", "key", "entity_type", "group_id", "transactional_id", "feature", "path", "member_id"})
            if (((Struct) e).hasField(name)) return String.valueOf(((Struct) e).get(name));
        return UUID.randomUUID().toString();
    }

    static String string(String path, String name, Random random) {
        if (path.contains("configs") && name.equals("name") || name.contains("configuration_keys")) return pick(random, new String[] {"retention.ms", "cleanup.policy", "max.message.bytes", "bogus", "segment.bytes"});
        if (path.contains("configs") && name.equals("value")) return pick(random, new String[] {"100000", "compact", "delete", "abc", "-5", ""});
        if (name.contains("transactional_id")) return pick(random, new String[] {"t0", "t1", "tnone"});
        // Share groups have names of their own, and what brokers say of them directly again others: it would fence what their coordinator says.
        if (name.contains("group") && key >= 76) return pick(random, key >= 83 && key <= 87 ? new String[] {"p0", "p1", ""} : new String[] {"s0", "s1", "snone", ""});
        if (name.contains("group")) return pick(random, GROUPS);
        if (name.equals("key") && key == 10 || name.equals("coordinator_keys")) return pick(random, new String[] {"g0", "g1"});
        if (name.contains("member_id")) return pick(random, new String[] {"", "m-unknown"});
        if (name.equals("resource_name")) return pick(random, new String[] {"d0", "d1", "nope", "1", ""});
        if (name.equals("entity_type")) return pick(random, new String[] {"user", "client-id", "ip"});
        if (name.equals("entity_name") || name.equals("match")) return pick(random, new String[] {"u", "c"});
        if (name.equals("key")) return pick(random, new String[] {"producer_byte_rate", "request_percentage", "bogus"});
        if (name.equals("feature")) return pick(random, new String[] {"zzz"});
        if (name.equals("protocol_type")) return pick(random, new String[] {"consumer", ""});
        if (name.contains("protocol")) return "range";
        if (name.equals("server_assignor")) return pick(random, new String[] {"uniform", "range", "bogus"});
        if (name.contains("regex") || name.contains("pattern")) return pick(random, new String[] {"d.*", "("});
        if (name.contains("state")) return pick(random, new String[] {"Empty", "Stable", "Bogus"});
        if (name.contains("types_filter")) return pick(random, new String[] {"classic", "consumer"});
        if (name.contains("topic") || name.equals("name")) return pick(random, TOPICS);
        return "s";
    }

    static long number(String path, String name, Random random, Broker broker) {
        if (name.equals("partition_max_bytes") || name.equals("max_bytes")) return 1 << 20;
        if (name.contains("leader_epoch") || name.equals("last_fetched_epoch")) return pick(random, -1, -1, -1, 50);
        if (name.equals("session_epoch")) return -1;
        if (name.equals("share_session_epoch")) return pick(random, 0, 1, 2, -1);
        if (name.equals("acknowledge_types")) return pick(random, 1, 2, 9);
        if (name.equals("state_epoch")) return pick(random, 0, 1, 2);
        if (name.equals("max_records") || name.equals("batch_size")) return 100;
        if (name.equals("session_id") || name.equals("min_bytes") || name.equals("max_wait_ms")) return 0;
        if (name.equals("log_start_offset") || name.equals("replica_id")) return -1;
        if (name.equals("replication_factor")) return pick(random, 1, 1, -1, 3, 0);
        if (name.equals("num_partitions")) return pick(random, 1, 2, -1, 0);
        if (name.equals("count")) return pick(random, 1, 3, 4);
        if (key >= 76 && (name.equals("partition") || name.equals("partition_index") || name.equals("partitions"))) return key == 90 ? 0 : pick(random, 0, 0, 1, key == 91 ? 0 : -1);  // Kafka never answers about some others
        if (name.contains("partition") || name.equals("partitions")) return pick(random, 0, 0, 1, 7, -1);
        if (name.contains("broker_id") || name.equals("replicas")) return pick(random, 1, 9);
        if (name.equals("session_timeout_ms")) return key == 11 && version < 4 ? 1 : pick(random, 10000, 1);
        if (name.contains("timeout")) return pick(random, 1000, 5000);
        if (name.contains("offset")) return pick(random, 0, 1, 5, -1, 100);
        if (name.equals("timestamp")) return random.nextInt(4) == 0 ? 1_600_000_000_000L : pick(random, -1, -2, -3, -4, -5, 0);
        if (name.equals("acks")) return pick(random, -1, 1, 2);
        if (name.contains("isolation")) return pick(random, 0, 1);
        if (name.equals("generation_id") || name.contains("generation")) return pick(random, -1, 0, 4);
        if (name.equals("member_epoch")) return pick(random, -1, 3);
        if (name.equals("resource_type")) return pick(random, 2, 2, 4, 32, 1);
        if (name.equals("config_operation")) return pick(random, 0, 1, 2, 3, 9);
        if (name.equals("producer_id")) return random.nextInt(3) == 0 ? -1 : broker.producer;
        if (name.equals("producer_epoch")) return random.nextInt(3) == 0 ? 7 : broker.epoch;
        if (name.equals("key_type")) return pick(random, 0, 1);
        if (name.equals("election_type")) return pick(random, 0, 1);
        if (name.equals("match_type")) return pick(random, 0, 1, 2);
        if (name.equals("endpoint_type")) return pick(random, 1, 2);
        if (name.contains("duration")) return -1;
        if (name.contains("limit")) return 2000;
        if (name.equals("max_version_level")) return 1;
        if (name.equals("upgrade_type")) return pick(random, 1, 2);
        return 0;
    }

    static final Set<String> DROPPED = Set.of("throttle_time_ms", "error_message", "host", "port", "cluster_id", "rack", "session_id", "documentation", "log_dir", "total_bytes", "usable_bytes", "log_append_time_ms", "finalized_features_epoch",
        "last_timestamp", "transaction_start_time_ms", "partition_size", "size", "_tagged_fields", "high_watermark", "last_stable_offset", "records", "config_type", "synonyms", "heartbeat_interval_ms", "metadata", "log_end_offset");

    static void flatten(Object value, String path, Broker broker, TreeMap<String, String> out) {
        if (value instanceof Struct) {
            Struct struct = (Struct) value;
            for (BoundField field : struct.schema().fields()) if (!DROPPED.contains(field.def.name)) flatten(struct.get(field), path + "." + field.def.name, broker, out);
        } else if (value instanceof Object[]) {
            List<String> parts = new ArrayList<>();
            for (Object element : (Object[]) value) { TreeMap<String, String> inner = new TreeMap<>(); flatten(element, "", broker, inner); parts.add(inner.toString()); }
            Collections.sort(parts);
            out.put(path, parts.toString());
        } else {
            String name = path.substring(path.lastIndexOf('.') + 1), text = String.valueOf(value);
            if (value instanceof Uuid) text = value.equals(Uuid.ZERO_UUID) ? "zero" : broker.names.getOrDefault(value, "some id");
            if (name.equals("producer_id") && (long) value >= 0) text = "a producer";
            if (name.equals("member_id") && text.length() > 12) text = "a member";
            if (name.contains("leader_epoch") && ((Number) value).longValue() >= 0) text = "an epoch";
            out.put(path, text);
        }
    }

    public static void main(String[] args) throws Exception {
        Broker left = new Broker(args[0]), right = new Broker(args[1]);
        Map<Integer, int[]> ranges = new TreeMap<>();
        for (Broker broker : List.of(left, right)) {
            Struct answer = broker.call(18, 0, new Struct(ApiMessageType.API_VERSIONS.requestSchemas()[0]));
            for (Object k : answer.getArray("api_keys")) {
                Struct api = (Struct) k;
                int id = api.getShort("api_key"), low = api.getShort("min_version"), high = api.getShort("max_version");
                if (LEFT_OUT.contains(id) || id >= 1000 || id >= 88 && id <= 89 || id == 93) continue;
                int[] known = ranges.get(id);
                if (broker == left) ranges.put(id, new int[] {id == 0 ? 3 : low, high, 1});
                else if (known != null) { known[0] = Math.max(known[0], low); known[1] = Math.min(known[1], high); known[2] = 2; }
            }
        }
        ranges.values().removeIf(range -> range[2] < 2);
        Integer[] keys = ranges.keySet().toArray(new Integer[0]);
        Set<String> told = new HashSet<>();
        int steps = Integer.parseInt(args[2]), same = 0; long seed = Long.parseLong(args[3]);
        Random choice = new Random(seed);
        Map<String, Set<Integer>> topics = new TreeMap<>();
        for (int step = 0; step < steps; step++) {
            if (step % 40 == 0) { setup(left); setup(right); settle(left, right, topics); }
            if (step == 0) { awaitLoaded(left); awaitLoaded(right); }
            key = pick(choice, keys); int[] range = ranges.get(key);
            version = range[0] + choice.nextInt(range[1] - range[0] + 1);
            if (key == 20 && choice.nextInt(4) > 0) continue;  // deletions undo what others build on
            long stepSeed = choice.nextLong();
            List<TreeMap<String, String>> answers = new ArrayList<>();
            Struct request = null;
            for (Broker broker : List.of(left, right)) {
                request = make(ApiMessageType.fromApiKey((short) key).requestSchemas()[version], "", new Random(stepSeed), broker);
                TreeMap<String, String> flat = new TreeMap<>();
                Struct answer = broker.call(key, version, request);
                if (answer == null) flat.put("", "connection closed"); else flatten(answer, "", broker, flat);
                if (key == 22 && answer != null && answer.getLong("producer_id") >= 0) { broker.producer = answer.getLong("producer_id"); broker.epoch = answer.getShort("producer_epoch"); }
                if (key == 26 && version >= 5 && answer != null && answer.getLong("producer_id") >= 0) { broker.producer = answer.getLong("producer_id"); broker.epoch = answer.getShort("producer_epoch"); }
                answers.add(flat);
            }
            if (key == 3 || key == 19 || key == 20 || key == 37) settle(left, right, topics);
            if (answers.get(0).equals(answers.get(1))) { same++; continue; }
            for (String path : union(answers)) {
                String l = answers.get(0).get(path), r = answers.get(1).get(path);
                if (Objects.equals(l, r)) continue;
                System.out.println("DIFFERENCE " + ApiMessageType.fromApiKey((short) key).name + " " + version + " " + path + ": " + l + " | " + r + "   request " + request);
            }
        }
        System.out.println("SAME " + same + " of " + steps + " apis " + ranges.size());
    }

    /// Kafka's coordinators load the partitions of their topics one after the other, after those have leaders: waits until none is left.
    static void awaitLoaded(Broker broker) throws Exception {
        Random random = new Random(1);
        Struct groups = new Struct(ApiMessageType.DESCRIBE_GROUPS.requestSchemas()[0]);
        groups.set("groups", random.ints(1000).mapToObj(n -> "g" + n).toArray());  // as many as reach all 50 partitions
        Struct shares = new Struct(ApiMessageType.READ_SHARE_GROUP_STATE_SUMMARY.requestSchemas()[0]);
        shares.set("group_id", "p0"); shares.set("_tagged_fields", new TreeMap<>());
        shares.set("topics", random.ints(1000).mapToObj(n -> {
            Struct topic = shares.instance("topics"), partition = topic.instance("partitions");
            partition.set("partition", 0); partition.set("leader_epoch", -1); partition.set("_tagged_fields", new TreeMap<>());
            topic.set("topic_id", new Uuid(7, n)); topic.set("partitions", new Object[] {partition}); topic.set("_tagged_fields", new TreeMap<>());
            return topic;
        }).toArray());
        for (int i = 0; i < 500; i++, Thread.sleep(20)) {
            boolean loaded = true;
            for (Object group : broker.call(15, 0, groups).getArray("groups")) loaded = loaded && !notThere(((Struct) group).getShort("error_code"));
            for (Object topic : broker.call(87, 0, shares).getArray("results"))
                for (Object partition : ((Struct) topic).getArray("partitions")) loaded = loaded && !notThere(((Struct) partition).getShort("error_code"));
            if (loaded) return;
        }
        throw new IllegalStateException("coordinators of " + broker.port + " have not loaded");
    }

    static boolean notThere(short error) { return error == 14 || error == 15 || error == 16; }

    static Set<String> union(List<TreeMap<String, String>> maps) { Set<String> all = new TreeSet<>(); for (Map<String, String> m : maps) all.addAll(m.keySet()); return all; }

    /// The topics that requests speak of.
    static void setup(Broker broker) throws Exception {
        for (String name : new String[] {"d0", "d1"}) {
            Schema schema = ApiMessageType.CREATE_TOPICS.requestSchemas()[4];
            Struct request = new Struct(schema);
            Struct topic = request.instance("topics");
            topic.set("name", name); topic.set("num_partitions", 2); topic.set("replication_factor", (short) 1); topic.set("assignments", new Object[0]); topic.set("configs", new Object[0]);
            request.set("topics", new Object[] {topic}); request.set("timeout_ms", 10000); request.set("validate_only", false);
            broker.call(19, 4, request);
        }
        // Coordinators are found once, so that their topics are there: one broker makes them at once, the other in the background.
        for (int type = 0; type < 3; type++)
            for (int i = 0; i < 200; i++) {
                Struct find = new Struct(ApiMessageType.FIND_COORDINATOR.requestSchemas()[6]);
                find.set("coordinator_keys", new Object[] {type == 0 ? "g0" : type == 1 ? "t0" : "g0:" + new Uuid(7, 7) + ":0"}); find.set("key_type", (byte) type); find.set("_tagged_fields", new TreeMap<>());
                if (((Struct) broker.call(10, 6, find).getArray("coordinators")[0]).getShort("error_code") == 0) break;
                Thread.sleep(50);
            }
        for (String id : new String[] {"t0", "t1"})
            for (int i = 0; i < 200; i++) {
                Struct init = new Struct(ApiMessageType.INIT_PRODUCER_ID.requestSchemas()[0]);
                init.set("transactional_id", id); init.set("transaction_timeout_ms", 60000);
                short error = broker.call(22, 0, init).getShort("error_code");
                if (!notThere(error) && error != 51) break;
                Thread.sleep(50);
            }
    }
}
