package dev.aerie.target.spec;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.errors.RefusalException;
import dev.aerie.files.GitPointer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A JSON object that describes a model, read key by key. A reader that has read all the keys it understands calls {@link
 * #refuseUnread}, so that no setting of a model is ignored in silence.
 */
public final class ConfigJson {

    private static final ObjectMapper JSON =
            JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    private final String source;
    private final JsonNode node;
    private final Set<String> read = new HashSet<>();

    private ConfigJson(String source, JsonNode node) {
        this.source = source;
        this.node = node;
    }

    /** @throws RefusalException if the file is missing or does not hold a JSON object */
    public static ConfigJson read(Path file) {
        GitPointer.refuse(file);
        return of(file.toString(), parse(file));
    }

    /** @param source the name used in messages, such as the path of the file */
    public static ConfigJson of(String source, JsonNode node) {
        if (!node.isObject()) {
            throw new RefusalException("Invalid configuration: " + source + " (expected a JSON object)");
        }
        return new ConfigJson(source, node);
    }

    public static JsonNode parse(Path file) {
        try {
            return JSON.readTree(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            throw new RefusalException("Missing file: " + file, e);
        } catch (JsonProcessingException e) {
            throw new RefusalException("Invalid JSON: " + file + ": "
                    + e.getOriginalMessage().lines().findFirst().orElse("") + " at line "
                    + (e.getLocation() == null ? "?" : e.getLocation().getLineNr()), e);
        } catch (IOException e) {
            throw new RefusalException("Unreadable file: " + file + " (" + e.getMessage() + ")", e);
        }
    }

    /** Returns whether the key is present with a value other than null. */
    public boolean has(String key) {
        return node.hasNonNull(key);
    }

    public int integer(String key) {
        JsonNode value = value(key);
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw invalid(key, "a whole number");
        }
        return value.intValue();
    }

    public int integer(String key, int absent) {
        return present(key) ? integer(key) : absent;
    }

    /** Returns a size or a count, a whole number from 1. */
    public int positive(String key) {
        int value = integer(key);
        if (value < 1) {
            throw invalid(key, "a whole number from 1");
        }
        return value;
    }

    public int positive(String key, int absent) {
        return present(key) ? positive(key) : absent;
    }

    public double number(String key) {
        JsonNode value = value(key);
        if (!value.isNumber()) {
            throw invalid(key, "a number");
        }
        return value.doubleValue();
    }

    public double number(String key, double absent) {
        return present(key) ? number(key) : absent;
    }

    public boolean flag(String key, boolean absent) {
        if (!present(key)) {
            return absent;
        }
        if (!value(key).isBoolean()) {
            throw invalid(key, "true or false");
        }
        return value(key).booleanValue();
    }

    /** Returns a flag that some files write as a number; as in Python, every number but 0 is true. */
    public boolean truth(String key, boolean absent) {
        return present(key) && node.get(key).isNumber() ? number(key) != 0 : flag(key, absent);
    }

    public String text(String key) {
        if (!value(key).isTextual()) {
            throw invalid(key, "a string");
        }
        return value(key).textValue();
    }

    public String text(String key, String absent) {
        return present(key) ? text(key) : absent;
    }

    /** Returns the numbers of a list or a single number; empty if the key is absent or null. */
    public List<Integer> integers(String key) {
        List<Integer> out = new ArrayList<>();
        if (present(key)) {
            JsonNode value = value(key);
            for (JsonNode n : value.isArray() ? value : List.of(value)) {
                if (!n.isIntegralNumber() || !n.canConvertToInt()) {
                    throw invalid(key, "a whole number or a list of them");
                }
                out.add(n.intValue());
            }
        }
        return out;
    }

    /** Returns the numbers of a list. */
    public List<Double> numbers(String key) {
        List<Double> out = new ArrayList<>();
        for (JsonNode n : value(key)) {
            if (!n.isNumber()) {
                throw invalid(key, "a list of numbers");
            }
            out.add(n.doubleValue());
        }
        return out;
    }

    /** Returns the strings of a list; empty if the key is absent or null. */
    public List<String> texts(String key) {
        List<String> out = new ArrayList<>();
        if (present(key)) {
            for (JsonNode n : value(key)) {
                out.add(n.asText());
            }
        }
        return out;
    }

    /** Returns the object under a key; its reader checks the keys in it. */
    public ConfigJson object(String key) {
        return of(source + ": " + key, value(key));
    }

    /** Returns the object under a key; values that it lacks for the inherited keys are taken from this object. */
    public ConfigJson object(String key, String... inherited) {
        ConfigJson inner = of(source + ": " + key, value(key).deepCopy());
        for (String name : inherited) {
            if (has(name)) {
                inner.assume(name, node.get(name));
            }
        }
        ignore(inherited);
        return inner;
    }

    /** Sets a default for an absent key that transformers does not write when it saves. */
    public ConfigJson assume(String key, Object value) {
        if (!has(key)) {
            ((ObjectNode) node).set(key, JSON.valueToTree(value));
        }
        return this;
    }

    /** Marks keys as known and without effect on what the model computes. */
    public ConfigJson ignore(String... keys) {
        read.addAll(Set.of(keys));
        return this;
    }

    /** @throws RefusalException unless the value is absent or one of those that are implemented */
    public void require(String key, String... implemented) {
        if (present(key) && !List.of(implemented).contains(value(key).asText())) {
            throw invalid(key, String.join(" or ", implemented));
        }
    }

    /** @throws RefusalException naming every key that was not read and is not null */
    public void refuseUnread(String reader) {
        Set<String> unread = new TreeSet<>();
        node.properties().forEach(e -> {
            if (!read.contains(e.getKey()) && !e.getValue().isNull()) {
                unread.add(e.getKey() + " = " + e.getValue());
            }
        });
        if (!unread.isEmpty()) {
            throw new RefusalException("Unknown settings in " + source + ": " + String.join(", ", unread)
                    + " (" + reader + " reads or knowingly ignores every other key of it)");
        }
    }

    public RefusalException invalid(String key, String expected) {
        return new RefusalException("Invalid " + key + ": " + node.path(key) + " in " + source
                + " (expected " + expected + ")");
    }

    private boolean present(String key) {
        read.add(key);
        return has(key);
    }

    private JsonNode value(String key) {
        if (!present(key)) {
            throw new RefusalException("Missing " + key + " in " + source);
        }
        return node.get(key);
    }
}
