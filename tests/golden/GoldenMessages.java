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
        {0, 3, 13}, {1, 4, 18}, {2, 1, 11}, {3, 0, 13}, {8, 2, 10}, {9, 1, 10}, {10, 0, 6}, {11, 0, 9}, {12, 0, 4}, {13, 0, 5}, {14, 0, 5}, {15, 0, 6},
        {16, 0, 5}, {18, 0, 4}, {19, 2, 7}, {20, 1, 6}, {21, 0, 2}, {22, 0, 5}, {23, 2, 4}, {24, 0, 5}, {25, 0, 4}, {26, 0, 5}, {27, 1, 1}, {28, 0, 5},
        {29, 1, 3}, {30, 1, 3}, {31, 1, 3}, {32, 1, 4}, {33, 0, 2}, {34, 1, 2}, {35, 1, 4}, {37, 0, 3}, {42, 0, 2}, {43, 0, 2}, {44, 0, 1}, {45, 0, 1},
        {46, 0, 0}, {47, 0, 0}, {48, 0, 1}, {49, 0, 1}, {55, 0, 2}, {57, 0, 2}, {60, 0, 2}, {61, 0, 0}, {65, 0, 0}, {66, 0, 2}, {68, 0, 1}, {69, 0, 1},
        {71, 0, 0}, {72, 0, 0}, {74, 0, 1}, {75, 0, 0},
        {76, 1, 1}, {77, 1, 1}, {78, 1, 2}, {79, 1, 2}, {83, 0, 0}, {84, 0, 0}, {85, 0, 1}, {86, 0, 0}, {87, 0, 1}, {90, 0, 1}, {91, 0, 0}, {92, 0, 0}};

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
            case "FLOAT64": return random.nextInt(1000) / 4.0;
            case "UINT16": return random.nextInt(65536);
            case "UUID": return new Uuid(random.nextLong(), random.nextLong());
            default: throw new IllegalStateException("type " + name);
        }
    }
}
