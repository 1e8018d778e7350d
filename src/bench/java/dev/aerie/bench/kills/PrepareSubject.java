package dev.aerie.bench.kills;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.aerie.files.Sha256;
import dev.aerie.jobs.PrepareHiddenStates;
import dev.aerie.prepare.TokensTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/**
 * Prepare with all its stages: reads, cleans, tokenises, continues held-out prompts, captures a dozen shards. Its result is the
 * store as a reader sees it: what the manifest says without the names of files, the bytes of those files, the rows of the tokens,
 * and the vocabulary.
 */
public final class PrepareSubject implements KillSubject {

    private static final int CONVERSATIONS = 160;
    private static final int SHARD_TOKENS = 1500;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path model;

    /** @param model folder of a small target */
    public PrepareSubject(Path model) {
        this.model = model.toAbsolutePath();
    }

    @Override
    public void prepare(Path inputs) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < CONVERSATIONS; i++) {
            // Some are equal, and some nearly: cleaning removes them.
            int topic = i % 20 == 19 ? i - 1 : i;
            String end = i % 20 == 9 ? "?" : "";
            StringBuilder words = new StringBuilder();
            for (int word = 0; word < 24; word++) {
                words.append(' ').append(Integer.toString((topic * 7919 + word * word * 31) % 46656, 36));
            }
            lines.append(String.format(Locale.ROOT, "{\"id\":\"c%d\",\"conversations\":["
                    + "{\"from\":\"human\",\"value\":\"Say%s%s\"},{\"from\":\"gpt\",\"value\":\"I say%s, and that is all of it.\"}]}%n", i, words, end, words));
        }
        Files.writeString(inputs.resolve("conversations.jsonl"), lines);
    }

    @Override
    public List<String> command(Path inputs, Path output) {
        Path recipe = output.resolve("recipe.yaml");
        try {
            Files.writeString(recipe, String.format(Locale.ROOT, """
                    name: kills
                    target: {model: "%s", dtype: float32}
                    data:
                      inputs: [{path: "%s", format: sharegpt}]
                      max_length: 512
                      held_out: {count: 4, max_new_tokens: 16}
                      clean: {near_duplicates: {threshold: 0.7}}
                    store: {path: "%s", shard_tokens: %d}
                    draft: {vocab_size: 256}
                    """, model, inputs.resolve("conversations.jsonl"), store(output), SHARD_TOKENS));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return List.of(PrepareHiddenStates.class.getName(), "--config", recipe.toString());
    }

    private static Path store(Path output) {
        return output.resolve("store");
    }

    @Override
    public boolean writing(Path output) {
        return Files.exists(store(output).resolve("store.json"));
    }

    @Override
    public String progress(Path output) throws IOException {
        if (!writing(output)) {
            return "no store yet";
        }
        try (Stream<Path> markers = Files.list(Files.createDirectories(store(output).resolve("_committed")))) {
            return markers.filter(file -> file.toString().endsWith(".json")).count() + " shards committed"
                    + (Files.exists(store(output).resolve("_manifest.json")) ? ", complete" : "");
        }
    }

    @Override
    public SortedMap<String, String> result(Path output) throws IOException {
        Path store = store(output);
        SortedMap<String, String> found = new TreeMap<>();
        JsonNode manifest = JSON.readTree(store.resolve("_manifest.json").toFile());
        Set<String> ids = new HashSet<>();
        Set<String> files = new HashSet<>();
        List<String> twice = new ArrayList<>();
        for (JsonNode shard : manifest.get("shards")) {
            String file = ((ObjectNode) shard).remove("file").asText();
            files.add(file);
            String bytes = Sha256.of(Files.readAllBytes(store.resolve("shards").resolve(file)));
            if (!bytes.equals(shard.get("sha256").asText())) {
                throw new IllegalStateException(file + " is not what its marker says");
            }
            found.put("shard " + shard.get("shard"), bytes);
            shard.get("conversations").forEach(entry -> twice.addAll(ids.add(entry.get("id").asText())
                    ? List.of() : List.of(entry.get("id").asText())));
        }
        found.put("manifest", Sha256.of(JSON.writeValueAsString(manifest)));
        found.put("vocabulary", Sha256.of(Files.readAllBytes(store.resolve("vocabulary.json"))));
        found.put("store.json", Sha256.of(Files.readAllBytes(store.resolve("store.json"))));
        List<String> rows = rows(store);
        found.put("tokens", Sha256.of(String.join("\n", rows)));
        require(twice.isEmpty(), "twice: " + twice);
        require(ids.size() == rows.size(), ids.size() + " conversations in shards, " + rows.size() + " in tokens");
        try (Stream<Path> there = Files.list(store.resolve("shards"))) {
            List<String> orphans = there.map(path -> path.getFileName().toString())
                    .filter(name -> !files.contains(name)).toList();
            require(orphans.isEmpty(), "files that no marker names: " + orphans);
        }
        return found;
    }

    private static List<String> rows(Path store) throws IOException {
        SparkSession spark = SparkSession.builder().master("local[1]").appName("kills").config("spark.ui.enabled", "false")
                .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate();
        return TokensTable.read(spark, store.toString()).orderBy("position").toJSON().collectAsList();
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
