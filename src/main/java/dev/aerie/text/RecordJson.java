package dev.aerie.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;

/**
 * Reads and writes records as JSON, with limits that all stages share, so that a record that was read can be passed on and read
 * again. A record is at most {@link #MAX_BYTES} long and {@link #MAX_DEPTH} deep; the mapper itself allows more, so that no later
 * stage has a narrower limit of its own.
 */
public final class RecordJson {

    /** A longer record is usually a file without line ends. */
    public static final int MAX_BYTES = 64 << 20;

    /** Levels of lists and objects in a record. Recursion over deeper ones would overflow the stack. */
    public static final int MAX_DEPTH = 256;

    /** Strings in a record hold JSON again, such as the arguments of tools, which are as deep once more. */
    private static final int MAX_DEPTH_MOVED = 4 * MAX_DEPTH;

    private static final ObjectMapper MOVED = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE).maxNameLength(Integer.MAX_VALUE).maxNestingDepth(MAX_DEPTH_MOVED).build())
            .streamWriteConstraints(StreamWriteConstraints.builder().maxNestingDepth(MAX_DEPTH_MOVED).build())
            .build());

    /** Two objects in one record are none: the second would be dropped in silence. */
    private static final ObjectReader READ = new ObjectMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE).maxNameLength(Integer.MAX_VALUE).maxNestingDepth(MAX_DEPTH).build())
            // Python writes what is missing or overflows in a column that nobody reads.
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build()).reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private RecordJson() {}

    /** For records that were read and are moved on between stages. */
    public static ObjectMapper mapper() {
        return MOVED;
    }

    /** One record, or JSON inside one. NaN and infinities are taken. */
    static JsonNode read(String text) throws JsonProcessingException {
        return READ.readTree(text);
    }

    /** Returns what a text says in JSON; the text itself, or anything else, as it is. */
    public static JsonNode inside(JsonNode node) {
        return ConversationFormat.parsed(node);
    }

    /** Returns the characters of text in a record, near enough to the bytes that it has in JSON Lines. */
    public static long characters(JsonNode node) {
        long sum = node.isTextual() ? node.textValue().length() : 0;
        for (JsonNode inside : node) {
            sum += characters(inside);
        }
        return sum;
    }

    /** Returns why a text is not JSON, in one phrase for the user. */
    static String reason(JsonProcessingException e) {
        if (e instanceof JsonEOFException) {
            return "it ends too early";
        }
        String message = e.getOriginalMessage();
        if (e instanceof StreamConstraintsException) {
            return message.contains("epth") ? "nested more than " + MAX_DEPTH + " deep" : "a number of more than "
                    + StreamReadConstraints.DEFAULT_MAX_NUM_LEN + " digits";
        }
        JsonLocation at = e.getLocation();
        String where = at == null || at.getCharOffset() < 0 ? "" : " at character " + at.getCharOffset();
        if (message.contains("CTRL-CHAR")) {
            return "a control character that is not escaped" + where;
        }
        if (message.startsWith("Unexpected character ('") && message.length() > 24) {
            return "unexpected " + message.substring(message.indexOf('\''), message.indexOf('\'', 24) + 1) + where;
        }
        if (message.startsWith("Unrecognized token '")) {
            return "unexpected " + message.substring(message.indexOf('\''), message.indexOf('\'', 20) + 1) + where;
        }
        return message.startsWith("Trailing token") ? "something follows the record" : "a syntax error" + where;
    }
}
