package dev.aerie.quickstart;

import dev.aerie.quickstart.Lexicon.Person;
import dev.aerie.quickstart.Lexicon.Place;
import dev.aerie.quickstart.Lexicon.Thing;
import java.util.ArrayList;
import java.util.List;

/** How things are done, step by step, and advice. */
final class Guides {

    static final List<Topic> TOPICS = List.of(Guides::steps, Guides::steps, Guides::recipe, Guides::advice, Guides::visit,
            Guides::reasons);

    private Guides() {}

    /** A task with its steps; {x} is what it is done to. */
    private record Task(String goal, List<String> objects, List<String> steps) {}

    private static final List<Task> TASKS = Lexicon.table("""
            mend a broken {x}|chair,table,shelf,ladder,wheel,drum|take all the loose parts off the {x}|\
            clean the old glue from the wood|put new glue on both sides|press the parts of the {x} together|\
            wait one day before you use it
            clean a dirty {x}|kettle,pot,mirror,bottle,bowl,cup,spoon|fill a bowl with warm water|add a little soap|\
            wash the {x} with a soft cloth|rinse it with cold water|dry the {x} with a clean towel
            wash a(n) {x}|shirt,scarf,blanket,coat,glove|look for holes in the {x}|fill the tub with cool water|\
            move the {x} gently in the soap|press the water out without wringing|hang the {x} in the shade
            plant a(n) {x} in the garden|rose,bean,tomato,pumpkin,cherry tree,apple tree|dig a hole in a sunny place|\
            put some old leaves into the hole|set the {x} upright in the middle|fill the hole with earth|\
            water the {x} every evening
            make a small {x}|kite,doll,basket,flute,tent,candle|draw the shape of the {x} on paper|\
            choose the material with care|cut the parts a little too large|join the parts of the {x} slowly|\
            try it out and correct what is wrong
            paint an old {x}|door,fence,boat,chair,gate,bench|scrape the old paint off the {x}|\
            make the surface smooth with sand|put on a thin first coat|let it dry for a night|\
            paint the {x} once more in the morning
            send a(n) {x} to a friend far away|letter,book,map,photo,flute,picture|wrap the {x} in strong paper|\
            write the name and the street on it|carry it to the post office|pay for the stamps|\
            tell your friend that the {x} is coming
            teach a(n) {x} to come when you call|dog,goat,horse,duck,donkey|stand close to the {x} and say its name|\
            give it something good to eat|go a few steps away and call again|praise the {x} when it comes|\
            repeat this every day for a week
            look after a sick {x}|hen,sheep,cow,cat,goat,horse|bring the {x} to a quiet and warm place|give it fresh water|\
            keep the other animals away|watch whether the {x} eats|ask somebody who knows animals if it does not
            """, f -> new Task(f[0], List.of(f[1].split(",")), List.of(f).subList(2, f.length)));

    private static List<String> steps(Draw draw) {
        Task task = draw.one(TASKS);
        String x = draw.one(task.objects);
        String goal = task.goal.replace("{x}", x);
        int count = draw.number(3, 5);
        boolean numbered = draw.chance(0.6);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[How do I|How can I|Explain how to|Please show me how to] {goal}[ in {n} steps| with {n} steps]"
                + ".", "goal", goal, "n", count + (numbered ? " numbered" : "")).replaceAll("^(How.*)\\.$", "$1?"));
        StringBuilder answer = new StringBuilder();
        List<String> chosen = task.steps.subList(0, count);
        String[] words = {"First", "Then", "After that", "Next", "At last"};
        for (int i = 0; i < count; i++) {
            String step = chosen.get(i).replace("{x}", x);
            if (numbered) {
                answer.append(i == 0 ? "" : "\n").append(i + 1).append(". ").append(Character.toUpperCase(step.charAt(0)))
                        .append(step.substring(1)).append('.');
            } else {
                answer.append(i == 0 ? "" : " ").append(words[i]).append(", ").append(step).append('.');
            }
        }
        turns.add(answer.toString());
        if (draw.chance(0.5)) {
            int k = draw.number(1, count - 1);
            if (draw.chance(0.5)) {
                turns.add(draw.say("[What was step {k}?|Please repeat step {k}.|Say step {k} again.]", "k", k));
                turns.add("Step " + k + " is: " + chosen.get(k - 1).replace("{x}", x) + ".");
            } else {
                turns.add(draw.say("[What comes after step {k}?|What do I do after step {k}?]", "k", k));
                turns.add("After step " + k + " comes step " + (k + 1) + ": " + chosen.get(k).replace("{x}", x) + ".");
            }
        }
        return turns;
    }

    private static List<String> recipe(Draw draw) {
        List<Thing> parts = draw.some(3, Lexicon.FOODS);
        String dish = draw.one("soup", "stew", "pie", "salad", "cake", "sauce");
        int people = draw.number(2, 8);
        int minutes = draw.number(2, 9) * 5;
        String heat = dish.equals("salad") ? "Let it stand for {t} minutes in a cool place."
                : dish.equals("pie") || dish.equals("cake") ? "Bake it in the oven for {t} minutes."
                : "Cook it slowly for {t} minutes.";
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[I have {a}, {b} and {c}.|There are {a}, {b} and {c} in the kitchen.] [How do I make|Can I make] a "
                + "{dish} for {n} people in {t} "
                + "minutes?", "a", parts.get(0).plural(), "b", parts.get(1).plural(), "c", parts.get(2).plural(),
                "dish", dish, "n", people, "t", minutes));
        turns.add(draw.say("For {n} people take {n} {a}, {m} {b} and a few {c}. Wash the {a} and cut them into small pieces. "
                + "Mix them "
                        + "with the {b} and the {c}. " + heat + " The {dish} tastes best [while it is warm|with fresh bread].",
                "n", people, "m", people * 2, "a", parts.get(0).plural(), "b", parts.get(1).plural(), "c", parts.get(2).plural(),
                "t", minutes, "dish", dish));
        if (draw.chance(0.5)) {
            int more = draw.number(2, 9);
            turns.add(draw.say("[And for {k} people?|What if {k} people come?]", "k", more));
            turns.add(draw.say("For {k} people take {k} {a} and {m} {b}.", "k", more, "a", parts.get(0).plural(), "m", more * 2,
                    "b", parts.get(1).plural()));
        }
        return turns;
    }

    private static final List<String[]> TROUBLES = Lexicon.table("""
            tired|lie down for an hour|drink a glass of water|go to bed early tonight
            cold|put on a thick coat|drink some hot tea|sit close to the stove
            hungry|eat some bread and cheese|cook a bowl of soup|ask a friend to share a meal
            bored|read a new book|visit the market|learn to play the flute
            sad|talk to a good friend|take a slow walk by the lake|listen to quiet music
            angry|count to twenty|go outside for a while|write down what happened
            lonely|call your sister|join the singers at school|invite the neighbours for tea
            nervous|breathe slowly|think of a calm place|make a plan with small steps
            ill|stay in bed|drink warm milk with honey|call the doctor in the morning
            late|take the shortest road|send a message ahead|leave earlier next time
            wet|change your clothes|dry your hair with a towel|hang the shirt near the stove
            lost|stop and look around|ask somebody for the way|follow the river down
            """, f -> f);

    private static List<String> advice(Draw draw) {
        String[] t = draw.one(TROUBLES);
        List<String> tips = draw.some(3, List.of(t[1], t[2], t[3]));
        String place = draw.one(Lexicon.PLACES).name();
        String who = draw.one("I am", "My brother is", "My sister is", "My friend is");
        boolean self = who.equals("I am");
        String moment = draw.one("after a long day at the " + place, "and still at the " + place,
                "because of the work at the " + place,
                "every time we visit the " + place);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("{who} {t} {moment}. [What can I do?|What do you advise?|Do you have advice?|What would help?]",
                "who", who, "t", t[0],
                "moment", moment));
        turns.add(draw.say("[I am sorry to hear that|That happens to everybody]. When " + (self ? "you are" : "somebody is")
                        + " {t} after being at the {place}, it often helps to {a}. "
                        + "You can also {b}. If that is not enough, {c}.", "t", t[0], "a", tips.get(0), "b", tips.get(1), "c",
                        tips.get(2),
                "place", place));
        if (draw.chance(0.4)) {
            turns.add(draw.say("[Thank you, I will try that.|Thank you. I will do that now.]"));
            turns.add(draw.say("You are welcome. I hope that " + (self ? "you are" : "nobody "
                    + "is") + (self ? " not" : "") + " {t} for long.", "t", t[0]));
        }
        return turns;
    }

    private static List<String> visit(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Place place = draw.one(Lexicon.PLACES);
        List<Thing> things = draw.some(2, Lexicon.THINGS);
        String season = draw.one(Lexicon.SEASONS);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[In {season} I visit the {place} with {who}.|{who} and I go to the {place} in {season}.] [What can "
                + "we do there?|What is it like there?] "
                        + "We have a(n) {x} and a(n) {y} with us.", "season", season, "place", place.name(), "who", who.name(),
                "x", things.get(0).name(), "y", things.get(1).name()));
        String weather = switch (season) {
            case "spring" -> "the air is mild and the first flowers open";
            case "summer" -> "the days are long and hot";
            case "autumn" -> "the leaves fall and the evenings are foggy";
            default -> "snow covers the paths and the nights are long";
        };
        turns.add(draw.say("In {season} {weather}. The {place} is {looks}, and you will hear {heard}. There you and {who} can "
                + "{done}. "
                        + "Take the {x} to {ux} and the {y} to {uy}.",
                "season", season, "weather", weather, "place", place.name(), "looks", place.looks(), "heard", place.heard(),
                "who", who.name(), "done", place.done(), "x", things.get(0).name(), "ux", things.get(0).use(),
                "y", things.get(1).name(), "uy", things.get(1).use()));
        return turns;
    }

    private static final List<String[]> REASONS = Lexicon.table("""
            ice float on water|ice is lighter than the water around it|it rises to the top and stays there
            bread rise|the yeast makes small bubbles of gas|the dough becomes light and large
            leaves fall in autumn|the tree saves its water for winter|it lets the old leaves go
            the moon shine|it throws back the light of the sun|we see it best when the sky is dark
            birds fly south|there is little food in winter|they look for warmer places
            iron rust|water and air eat the metal slowly|people paint it or keep it dry
            the sea taste of salt|rivers carry salt from the stones|it stays when the water goes up as cloud
            thunder come after lightning|light is much faster than sound|we see the flash before we hear the noise
            cats see well at night|their eyes catch very little light|they can hunt when others sleep
            soup cool faster in a plate|the wide plate lets the warm air go|more heat leaves it at once
            people wear white in summer|white cloth throws the light back|it stays cooler than black cloth
            a wheel need oil|dry parts rub against each other|oil lets them slide and turn
            the wind blow from the sea by day|the land grows warm faster than the water|warm air rises and cool air follows
            glass break|it is hard but cannot bend|a small crack runs through it at once
            wood float and stones sink|wood is light for its size|the water can carry it
            onions make us cry|they send a sharp gas into the air|the eyes try to wash it out
            """, f -> f);

    private static List<String> reasons(Draw draw) {
        String[] r = draw.one(REASONS);
        Person who = draw.one(Lexicon.PEOPLE);
        boolean child = draw.chance(0.5);
        boolean plural = r[0].matches("(birds|cats|people|onions|leaves|wood float).*");
        int age = draw.number(5, 12);
        String asks = plural ? "do" : "does";
        List<String> turns = new ArrayList<>();
        turns.add(draw.say(child ? "My child {who} is {n} years old and asks: why {do} {what}?"
                : "{who} [wants to know|asked me]: why {do} {what}? [Please explain.|Can you help?]", "who", who.name(), "n",
                age, "do", asks,
                "what", r[0]));
        turns.add(draw.say((child ? "You can tell {who} this: " : "Here is what you can tell {who}: ") + "{cause}. "
                + "[Therefore|So] {effect}.",
                "who", who.name(), "cause", r[1], "effect", r[2]));
        if (draw.chance(0.3)) {
            turns.add(draw.say("[Can you say that in one sentence?|Shorter, please.]"));
            turns.add(draw.say("{effect}, because {cause}.", "effect", r[2], "cause", r[1]));
        }
        return turns;
    }
}
