package dev.aerie.store;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.Folder;
import java.io.ByteArrayInputStream;
import java.io.CharConversionException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;

/** Reads and writes the store's JSON files: snake_case, and strict in reading. */
final class StoreJson {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private StoreJson() {}

    static JsonNode tree(Object value) {
        return MAPPER.valueToTree(value);
    }

    /** Writes JSON with line breaks, for files that users open. */
    static byte[] pretty(Object value) {
        try {
            return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    static byte[] compact(Object value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Writes JSON as it is made: a manifest may be 300 MB. */
    static void compact(Object value, OutputStream out) throws IOException {
        MAPPER.writer().without(JsonGenerator.Feature.AUTO_CLOSE_TARGET).writeValue(out, value);
    }

    /**
     * Reads a file of the format version that this code supports.
     *
     * @param name the file's name in messages
     * @throws InvalidStoreException if the bytes are not such JSON, or of another format version
     */
    static <T> T read(byte[] json, Class<T> type, String name) {
        try {
            return read(() -> new ByteArrayInputStream(json), type, name);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * As {@link #read(byte[], Class, String)}, without all of the file in memory.
     *
     * @return empty if there is no such file
     */
    static <T> Optional<T> read(Folder files, String path, Class<T> type, String name) throws IOException {
        try {
            return Optional.of(read(() -> files.open(path), type, name));
        } catch (FileNotFoundException e) {
            return Optional.empty();
        }
    }

    private interface Source {
        InputStream open() throws IOException;
    }

    private static <T> T read(Source source, Class<T> type, String name) throws IOException {
        try {
            int version;
            try (InputStream in = source.open()) {
                version = formatVersion(in);
            }
            if (version != StoreSettings.FORMAT_VERSION) {
                throw new InvalidStoreException("Invalid " + name + ": format_version is " + version + " (expected "
                        + StoreSettings.FORMAT_VERSION + ", which this version of Aerie reads; prepare makes the store again)");
            }
            // Not by way of a tree, which takes ten times the memory of the records: a manifest may be 300 MB.
            try (InputStream in = source.open()) {
                return MAPPER.readValue(in, type);
            }
        } catch (JsonProcessingException | CharConversionException e) {
            Throwable reason = e.getCause() instanceof IllegalArgumentException || e.getCause() instanceof RefusalException
                    ? e.getCause() : e;
            throw new InvalidStoreException("Invalid " + name + ": " + firstLine(reason)
                    + " (expected JSON as described in docs/store.md)", e);
        }
    }

    /** Returns the value of {@code format_version}, the first field of what this code writes; 0 if there is none. */
    private static int formatVersion(InputStream json) throws IOException {
        try (JsonParser parser = MAPPER.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return 0;
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean found = parser.currentName().equals("format_version");
                if (parser.nextToken() == JsonToken.VALUE_NUMBER_INT && found) {
                    return parser.getIntValue();
                }
                parser.skipChildren();
            }
            return 0;
        }
    }

    /** @throws IllegalArgumentException if a field is absent that every file of this version has */
    static <T> T present(T value, String field) {
        if (value == null) {
            throw new IllegalArgumentException("Missing " + field);
        }
        return value;
    }

    private static String firstLine(Throwable e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
}
