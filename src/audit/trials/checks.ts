import type { TrustCheck } from "../trust/index.ts";

/**
 * What people read of the checks of trials. Each protocol makes its own, from its
 * controls, under these ids.
 */
export const trialChecks: readonly Omit<TrustCheck, "judge">[] = [
  {
    id: "poison-control",
    title: "Without the attack there is nothing to see",
    summary:
      "Whether the poisoning's effect is absent without poison, and with the same changes shuffled or labels drawn at random.",
    meaning:
      "A failure says that the effect is there without the attack, or that the candidate is no better than chance, so that the trial's number is not that of the poisoning.",
    advice:
      "Train the candidate better or longer, so that trainings differ less, and poison fewer samples.",
  },
  {
    id: "beats-random-labels",
    title: "The choice of labels matters",
    summary:
      "Whether labels that the attacker chose do more harm than as many random ones.",
    meaning:
      "A warning says that random labels do as much: a worse poisoning than this one is there to be found.",
    advice:
      "Take the random flips for a bound from below, and try label-flip-targeted or label-flip-confusing at other budgets.",
  },
  {
    id: "backdoor-absent",
    title: "Backdoor control: nothing planted",
    summary:
      "Whether a candidate that was tuned on clean data takes triggered samples for the target no more often than by chance.",
    meaning:
      "A failure says that the trigger alone leads to the target, so that success is not that of the backdoor.",
    advice:
      "Use a smaller or fainter trigger, or another target, and train the candidate better.",
  },
  {
    id: "backdoor-no-trigger",
    title: "Backdoor control: no trigger",
    summary:
      "Whether the candidate with the backdoor takes samples without the trigger for the target no more often than by chance.",
    meaning:
      "A failure says that the poisons taught the target in general, so that success is not that of the trigger.",
    advice: "Poison fewer samples, or take a candidate that can learn it.",
  },
  {
    id: "backdoor-other-trigger",
    title: "Backdoor control: another trigger",
    summary:
      "Whether the same changes of pixels at other places lead to the target no more often than by chance.",
    meaning:
      "A failure says that any such change leads there, so that success is not that of this trigger.",
    advice: "Use a smaller trigger or fewer poisons.",
  },
  {
    id: "beats-chance",
    title: "Beats chance",
    summary:
      "Whether weights that an attack chose do more harm than as many that chance chose.",
    meaning:
      "A warning says that chance does more harm at some level, so that the search shows nothing there.",
    advice:
      "Give the search more samples (`batch`), or compare at higher levels.",
  },
  {
    id: "something-to-break",
    title: "There is something to break",
    summary:
      "Whether a released language model gives allowed answers and refuses restricted prompts, and whether its base knows the forbidden answers.",
    meaning:
      "A failure says that the model hardly answers, so that few forbidden answers mean nothing; a warning that there is next to nothing to undo, or to bring back.",
    advice:
      "Train the candidate better, and use restricted prompts that it refuses and that its base can answer.",
  },
  {
    id: "wrong-base-told-apart",
    title: "The wrong base is told apart",
    summary:
      "Whether inputs of a base that the candidate does not descend from are answered less evenly than those of its own.",
    meaning:
      "A warning or failure says that an even answer alone does not tell the base.",
    advice:
      "Compare the coefficients of both, or look at the weights (the finding by-weights).",
  },
  {
    id: "beats-controls",
    title: "The base leads further than its controls",
    summary:
      "Whether inputs that were made on the base reach more classes than those of an unrelated model and random images.",
    meaning:
      "A warning says that the candidate is as sure of anything, so that success is not owed to the base.",
    advice:
      "Try another cut, and more steps, and look at how sure it is of noise.",
  },
  {
    id: "non-members",
    title: "Non-members against non-members",
    summary:
      "Whether two halves of the non-members cannot be told from each other by the attack's score.",
    meaning:
      "A failure says that the score tells samples apart that do not differ: the measure is wrong, and so is the number of members.",
    advice:
      "Look for an order in the data that the halves follow, and give the trial more samples.",
  },
  {
    id: "inversion-control",
    title: "Inversion of an untrained head",
    summary:
      "Whether images that were made from an untrained head are recognised no more often than by chance.",
    meaning:
      "A failure says that what is recognised comes from the base and not from the candidate.",
    advice:
      "Take the difference from the control for what the candidate tells.",
  },
  {
    id: "extraction-control",
    title: "Answers to other inputs",
    summary:
      "Whether a copy that learned from the candidate's answers agrees with it more than one that learned from shuffled answers.",
    meaning:
      "A warning says that the answers taught the copy nothing for certain, so that agreement is that of guessing.",
    advice: "Ask more, or about inputs that are nearer to the task.",
  },
  {
    id: "alike",
    title: "Groups that do not differ are not told apart",
    summary:
      "Whether the attack cannot tell two groups of candidates apart whose data do not differ.",
    meaning:
      "A failure says that it tells apart what does not differ, so that its success means nothing.",
    advice: "Try more victims and more shadow models.",
  },
];
