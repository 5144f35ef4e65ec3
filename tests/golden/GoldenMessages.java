// Writes golden bytes for the wire codec with Apache Kafka's own serializers:
//   java -cp 'kafka-clients.jar:...' tests/golden/GoldenMessages.java > tests/golden/protocol/kafka-4.3.1.txt
// One line a message: KEY request|response VERSION SEED HEX. Values come from a seeded generator over Kafka's own
// schemas, so every field of every version is present, tagged fields included.
import java.nio.ByteBuffer;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.types.*;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.compress.Compression;

public class GoldenMessages {
    static final int[][] APIS = { // key, lowest, highest version
        {0, 3, 13}, {1, 4, 18}, {2, 1, 10}, {3, 0, 13}, {8, 2, 9}, {9, 1, 9}, {10, 0, 6}, {11, 0, 9}, {12, 0, 4}, {13, 0, 5},
        {14, 0, 5}, {15, 0, 6}, {16, 0, 5}, {18, 0, 4}, {19, 2, 7}, {20, 1, 6}, {22, 0, 5}, {23, 2, 4}, {24, 0, 3}, {26, 0, 5},
        {32, 1, 4}, {37, 0, 3}, {42, 0, 2}, {44, 0, 1}, {60, 0, 2}, {61, 0, 0}};

    public static void main(String[] args) {
        for (int[] api : APIS) {
            ApiMessageType type = ApiMessageType.fromApiKey((short) api[0]);
            for (int v = api[1]; v <= api[2]; v++)
                for (int seed = 0; seed < 3; seed++) {
                    print(api[0], "request", v, seed, type.requestSchemas()[v]);
                    print(api[0], "response", v, seed, type.responseSchemas()[v]);
                }
        }
    }

    static void print(int key, String kind, int version, int seed, Schema schema) {
        Random random = new Random(key * 1000L + version * 10L + seed + (kind.equals("request") ? 0 : 500_000));
        Struct struct = make(schema, random, 0);
        ByteBuffer buffer = ByteBuffer.allocate(schema.sizeOf(struct));
        schema.write(buffer, struct);
        StringBuilder hex = new StringBuilder();
        for (byte b : buffer.array()) hex.append(String.format("%02x", b));
        System.out.println(key + " " + kind + " " + version + " " + seed + " " + hex);
    }

    static Struct make(Schema schema, Random random, int depth) {
        Struct struct = new Struct(schema);
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields) {
                TreeMap<Integer, Object> values = new TreeMap<>();
                for (Map.Entry<Integer, Field> e : ((TaggedFields) field.def.type).fields().entrySet())
                    if (random.nextInt(3) > 0) values.put(e.getKey(), value(e.getValue().type, random, depth + 1, true));
                struct.set(field, values);
            } else {
                struct.set(field, value(field.def.type, random, depth, false));
            }
        }
        return struct;
    }

    static Object value(Type type, Random random, int depth, boolean tagged) {
        String name = type.toString();
        if (type.isNullable() && !tagged && random.nextInt(4) == 0) return null;
        if (type instanceof Schema) return make((Schema) type, random, depth + 1);
        if (type.arrayElementType().isPresent()) {
            Object[] elements = new Object[tagged ? 1 + random.nextInt(2) : random.nextInt(3)];
            for (int i = 0; i < elements.length; i++) elements[i] = value(type.arrayElementType().get(), random, depth + 1, false);
            return elements;
        }
        if (name.endsWith("RECORDS")) return MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(random.nextInt(100), "golden".getBytes()));
        if (name.endsWith("STRING")) return tagged || random.nextInt(5) > 0 ? "s" + Integer.toString(random.nextInt(1 << 20), 36) + (random.nextInt(9) == 0 ? "-\u00e9\u4e2d".repeat(30) : "") : "";
        if (name.endsWith("BYTES")) { byte[] b = new byte[random.nextInt(200)]; random.nextBytes(b); return ByteBuffer.wrap(b); }
        switch (name) {
            case "BOOLEAN": return tagged || random.nextBoolean();
            case "INT8": return (byte) random.nextInt();
            case "INT16": return (short) (tagged ? 1 + random.nextInt(99) : random.nextInt());
            case "INT32": return tagged ? 1 + random.nextInt(99) : random.nextInt();
            case "INT64": return tagged ? 1L + random.nextInt(99) : random.nextLong();
            case "UUID": return new Uuid(random.nextLong(), random.nextLong());
            default: throw new IllegalStateException("type " + name);
        }
    }
}
