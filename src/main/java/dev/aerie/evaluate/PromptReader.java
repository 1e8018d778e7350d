package dev.aerie.evaluate;

import dev.aerie.errors.RefusalException;
import dev.aerie.prepare.ConversationFiles;
import dev.aerie.text.Conversation;
import dev.aerie.text.ConversationReader;
import dev.aerie.text.InputRecord;
import dev.aerie.text.Rejection;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;

/**
 * Reads prompts like conversations: the same files, formats of turns, tools and parts. Prompts are few and each counts, so a
 * record that cannot be used is refused instead of skipped.
 */
public final class PromptReader {

    private final PromptFormat format;
    private final Function<Conversation, int[]> encoder;
    private final int longest;

    /**
     * @param encoder returns the tokens of the turns up to the header of the target's turn
     * @param longest largest number of tokens in a prompt whose continuation still fits the target's positions
     */
    public PromptReader(PromptFormat format, Function<Conversation, int[]> encoder, int longest) {
        this.format = format;
        this.encoder = encoder;
        this.longest = longest;
    }

    /**
     * @param limit number of prompts to read, from the start of the file
     * @throws RefusalException naming the file, and the record that cannot be used
     */
    public List<Prompt> read(String file, Configuration conf, int limit) throws IOException {
        List<Prompt> prompts = new ArrayList<>();
        List<String> files = ConversationFiles.find(file, conf);
        if (files.isEmpty()) {
            throw new RefusalException("Missing prompts: " + file);
        }
        for (String found : files) {
            String one = files.size() == 1 ? file : found;
            try (ConversationReader records = ConversationFiles.open(one, conf, format)) {
                for (int number = 1; prompts.size() < limit && records.hasNext(); number++) {
                    prompts.add(new Prompt(prompts.size(), ids(one + ", record " + number, records.next())));
                }
            } catch (FileNotFoundException e) {
                throw new RefusalException("Missing prompts: " + one, e);
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
        }
        if (prompts.isEmpty()) {
            throw new RefusalException("Invalid prompts: " + file + " holds none (expected at least one record)");
        }
        return prompts;
    }

    private long[] ids(String where, InputRecord record) {
        if (record instanceof Rejection rejection) {
            throw new RefusalException("Invalid prompts: " + where + " (" + rejection.reason() + ")");
        }
        int[] ids = encoder.apply((Conversation) record);
        if (ids.length == 0 || ids.length > longest) {
            throw new RefusalException("Invalid prompts: " + where + " has " + ids.length
                    + " tokens (expected 1 to " + longest + ", so that its continuation fits the target)");
        }
        return Arrays.stream(ids).asLongStream().toArray();
    }
}
