package dev.aerie.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.aerie.errors.RefusalException;
import dev.aerie.text.Message;
import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Reads prompts: one JSON object a line, gzipped where the name ends in {@code .gz}, on any Hadoop file system. Prompts are few
 * and each counts, so a line that cannot be used is refused, not passed over.
 */
public final class PromptReader {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final PromptFormat format;
    private final Function<List<Message>, int[]> encoder;
    private final int longest;

    /**
     * @param encoder from the turns to the tokens up to where the target's turn begins
     * @param longest tokens that a prompt may have, so that its continuation still fits the target's positions
     */
    public PromptReader(PromptFormat format, Function<List<Message>, int[]> encoder, int longest) {
        this.format = format;
        this.encoder = encoder;
        this.longest = longest;
    }

    /**
     * @param limit of prompts, from the start of the file
     * @throws RefusalException naming the file, and the line that cannot be used
     */
    public List<Prompt> read(String file, Configuration conf, int limit) throws IOException {
        List<Prompt> prompts = new ArrayList<>();
        Path path = new Path(file);
        try (InputStream raw = path.getFileSystem(conf).open(path);
                InputStream in = file.endsWith(".gz") ? new GZIPInputStream(raw) : raw;
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()))) {
            int number = 0;
            for (String line = lines.readLine(); line != null && prompts.size() < limit; line = lines.readLine()) {
                number++;
                if (!line.isBlank()) {
                    prompts.add(new Prompt(prompts.size(), ids(file, number, line)));
                }
            }
        } catch (FileNotFoundException e) {
            throw new RefusalException("Missing prompts: " + file, e);
        } catch (CharacterCodingException e) {
            throw new RefusalException("Invalid prompts: " + file + " is not UTF-8", e);
        }
        if (prompts.isEmpty()) {
            throw new RefusalException("Invalid prompts: " + file + " holds none (expected at least one line)");
        }
        return prompts;
    }

    private long[] ids(String file, int number, String line) {
        List<Message> messages = format.messages(parse(file, number, line));
        if (messages == null) {
            throw new RefusalException("Invalid prompts: " + file + ", line " + number + " (expected "
                    + switch (format) {
                        case GSM8K -> "a question";
                        case JSONL -> "a prompt, or messages that end with the user's";
                        case AUTO -> "a question, a prompt, or messages that end with the user's";
                    } + ")");
        }
        int[] ids = encoder.apply(messages);
        if (ids.length == 0 || ids.length > longest) {
            throw new RefusalException("Invalid prompts: " + file + ", line " + number + " has " + ids.length
                    + " tokens (expected 1 to " + longest + ", so that its continuation fits the target)");
        }
        long[] wide = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            wide[i] = ids[i];
        }
        return wide;
    }

    private static JsonNode parse(String file, int number, String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new RefusalException("Invalid prompts: " + file + ", line " + number + " is no JSON ("
                    + e.getOriginalMessage().lines().findFirst().orElse("") + ")", e);
        }
    }
}
