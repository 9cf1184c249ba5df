import type { Results } from "#results";

/** A list of threats that others keep. Names change with its versions, ids hardly. */
export interface Taxonomy {
  readonly key: keyof Results["attacks"][number]["taxonomy"];
  readonly name: string;
  readonly organization: string;
  readonly version: string;
  /** What of it concerns a model that predicts, by id. */
  readonly entries: readonly (readonly [id: string, name: string])[];
}

export const taxonomies: readonly Taxonomy[] = [
  {
    key: "atlas",
    name: "MITRE ATLAS",
    organization: "MITRE",
    version: "5.6.0",
    entries: [
      ["AML.T0005.001", "Train Proxy via Replication"],
      ["AML.T0005.002", "Use Pre-Trained Model"],
      ["AML.T0010.003", "AI Supply Chain Compromise: Model"],
      ["AML.T0011.000", "Unsafe AI Artifacts"],
      ["AML.T0014", "Discover AI Model Family"],
      ["AML.T0015", "Evade AI Model"],
      ["AML.T0018", "Manipulate AI Model"],
      ["AML.T0018.000", "Poison AI Model"],
      ["AML.T0018.002", "Embed Malware"],
      ["AML.T0019", "Publish Poisoned Datasets"],
      ["AML.T0020", "Poison Training Data"],
      ["AML.T0024", "Exfiltration via AI Inference API"],
      ["AML.T0024.000", "Infer Training Data Membership"],
      ["AML.T0024.001", "Invert AI Model"],
      ["AML.T0024.002", "Extract AI Model"],
      ["AML.T0029", "Denial of AI Service"],
      ["AML.T0031", "Erode AI Model Integrity"],
      ["AML.T0034", "Cost Harvesting"],
      ["AML.T0040", "AI Model Inference API Access"],
      ["AML.T0041", "Physical Environment Access"],
      ["AML.T0043.000", "White-Box Optimization"],
      ["AML.T0043.001", "Black-Box Optimization"],
      ["AML.T0043.002", "Black-Box Transfer"],
      ["AML.T0043.003", "Manual Modification"],
      ["AML.T0043.004", "Insert Backdoor Trigger"],
      ["AML.T0048.004", "AI Intellectual Property Theft"],
      ["AML.T0054", "LLM Jailbreak"],
      ["AML.T0058", "Publish Poisoned Models"],
      ["AML.T0059", "Erode Dataset Integrity"],
    ],
  },
  {
    key: "owasp",
    name: "OWASP Machine Learning Security Top 10",
    organization: "OWASP",
    version: "2023",
    entries: [
      ["ML01:2023", "Input Manipulation Attack"],
      ["ML02:2023", "Data Poisoning Attack"],
      ["ML03:2023", "Model Inversion Attack"],
      ["ML04:2023", "Membership Inference Attack"],
      ["ML05:2023", "Model Theft"],
      ["ML06:2023", "AI Supply Chain Attacks"],
      ["ML07:2023", "Transfer Learning Attack"],
      ["ML08:2023", "Model Skewing"],
      ["ML09:2023", "Output Integrity Attack"],
      ["ML10:2023", "Model Poisoning"],
    ],
  },
  {
    key: "nist",
    name: "NIST AI 100-2",
    organization: "NIST",
    version: "E2025",
    entries: [
      ["NISTAML.011", "Model Poisoning (availability)"],
      ["NISTAML.012", "Clean-label Poisoning"],
      ["NISTAML.013", "Data Poisoning"],
      ["NISTAML.014", "Energy-latency"],
      ["NISTAML.021", "Clean-label Backdoor"],
      ["NISTAML.022", "Evasion"],
      ["NISTAML.023", "Backdoor Poisoning"],
      ["NISTAML.024", "Targeted Poisoning"],
      ["NISTAML.025", "Black-box Evasion"],
      ["NISTAML.026", "Model Poisoning (integrity)"],
      ["NISTAML.03", "Privacy Compromise"],
      ["NISTAML.031", "Model Extraction"],
      ["NISTAML.032", "Reconstruction"],
      ["NISTAML.033", "Membership Inference"],
      ["NISTAML.034", "Property Inference"],
      ["NISTAML.05", "Supply Chain Attacks"],
      ["NISTAML.051", "Model Poisoning (supply chain)"],
    ],
  },
];
