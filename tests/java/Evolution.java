import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** For every pair of schemas on standard input: whether Java's Avro can read it, why not, and what it reads. */
public class Evolution {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    public static void main(String[] args) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ArrayNode answers = mapper.createArrayNode();
        for (JsonNode pair : mapper.readTree(System.in)) {
            answers.add(answer(pair));
        }
        System.out.println(mapper.writeValueAsString(answers));
    }

    private static ObjectNode answer(JsonNode pair) throws IOException {
        Schema writer = new Schema.Parser().parse(pair.get("writer").toString());
        Schema reader = new Schema.Parser().parse(pair.get("reader").toString());
        byte[] bytes = written(pair.get("value"), writer);
        ObjectNode answer = JSON.objectNode();
        answer.set("reasons", reasons(reader, writer));
        answer.put("bytes", HexFormat.of().formatHex(bytes));
        try {
            answer.set("read", json(read(bytes, writer, reader)));
        } catch (RuntimeException refused) {
            // Without "read", the pair cannot be read.
            System.err.println(pair.get("name") + ": " + refused);
        }
        return answer;
    }

    private static byte[] written(JsonNode value, Schema writer) throws IOException {
        Object datum = new GenericDatumReader<>(writer)
            .read(null, DecoderFactory.get().jsonDecoder(writer, value.toString()));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<>(writer).write(datum, encoder);
        encoder.flush();
        return out.toByteArray();
    }

    private static Object read(byte[] bytes, Schema writer, Schema reader) throws IOException {
        return new GenericDatumReader<>(writer, reader)
            .read(null, DecoderFactory.get().binaryDecoder(bytes, null));
    }

    private static ArrayNode reasons(Schema reader, Schema writer) {
        ArrayNode reasons = JSON.arrayNode();
        try {
            SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult().getIncompatibilities()
                .forEach(reason -> reasons.add(reason.getType() + " " + reason.getLocation()));
        } catch (RuntimeException undecided) {
            reasons.add(undecided.getClass().getSimpleName());
        }
        return reasons;
    }

    /** Without the names of union branches, and bytes as one character each. */
    private static JsonNode json(Object value) {
        if (value == null) return JSON.nullNode();
        if (value instanceof Boolean truth) return JSON.booleanNode(truth);
        if (value instanceof Integer number) return JSON.numberNode(number);
        if (value instanceof Long number) return JSON.numberNode(number);
        if (value instanceof Float number) return JSON.numberNode(number.doubleValue());
        if (value instanceof Double number) return JSON.numberNode(number);
        if (value instanceof ByteBuffer bytes) return text(bytes);
        if (value instanceof GenericFixed fixed) return text(ByteBuffer.wrap(fixed.bytes()));
        if (value instanceof IndexedRecord record) return object(record);
        if (value instanceof Map<?, ?> map) return object(map);
        if (value instanceof Collection<?> items) return array(items);
        return JSON.textNode(value.toString());
    }

    private static JsonNode text(ByteBuffer bytes) {
        return JSON.textNode(StandardCharsets.ISO_8859_1.decode(bytes.duplicate()).toString());
    }

    private static ObjectNode object(IndexedRecord record) {
        ObjectNode object = JSON.objectNode();
        for (Schema.Field field : record.getSchema().getFields()) {
            object.set(field.name(), json(record.get(field.pos())));
        }
        return object;
    }

    private static ObjectNode object(Map<?, ?> map) {
        ObjectNode object = JSON.objectNode();
        map.forEach((key, item) -> object.set(key.toString(), json(item)));
        return object;
    }

    private static ArrayNode array(Collection<?> items) {
        ArrayNode array = JSON.arrayNode();
        items.forEach(item -> array.add(json(item)));
        return array;
    }
}
